package dev.perennial.server.eval.report;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;

/** A page as a strict parser reads it. */
record PageText(Document document) {
  /** Fails where the page is not well-formed. */
  static PageText of(String html) {
    try {
      return new PageText(
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new InputSource(new StringReader(html))));
    } catch (SAXException | IOException | ParserConfigurationException e) {
      throw new AssertionError("the page is not well-formed", e);
    }
  }

  /** A number as the page writes it. */
  static double number(String text) {
    return Double.parseDouble(text.replace('\u2212', '-').replace(",", ""));
  }

  List<Element> all(String name) {
    return all(document.getDocumentElement(), name);
  }

  /** The text of the page's body. */
  String text() {
    return all("body").get(0).getTextContent();
  }

  /** The first table of the class. */
  Table table(String style) {
    return new Table(
        all("table").stream()
            .filter(table -> table.getAttribute("class").equals(style))
            .findFirst()
            .orElseThrow());
  }

  /** The faces of a cell in a method's matrix; row 0 is the frozen model's. */
  List<String> matrixCell(String method, int row, int column) {
    Element table =
        all("table").stream()
            .filter(
                candidate ->
                    all(candidate, "caption").stream()
                        .anyMatch(
                            caption ->
                                caption.getTextContent().startsWith(method + ": accuracy in")))
            .findFirst()
            .orElseThrow();
    Element line = all(all(table, "tbody").get(0), "tr").get(row);
    return all(all(line, "td").get(column), "span").stream().map(Element::getTextContent).toList();
  }

  private static List<Element> all(Element within, String name) {
    NodeList nodes = within.getElementsByTagName(name);
    List<Element> elements = new ArrayList<>();
    for (int i = 0; i < nodes.getLength(); i++) {
      elements.add((Element) nodes.item(i));
    }
    return elements;
  }

  /** A table whose rows begin with their name. */
  record Table(Element element) {
    int rows() {
      return lines().size();
    }

    String row(String name) {
      return line(name).getTextContent();
    }

    /** The number under the metric, without its deviation. */
    String metric(String name, String metric) {
      return all(cell(line(name), metric), "span").stream()
          .filter(span -> span.getAttribute("class").equals("value"))
          .findFirst()
          .orElseThrow()
          .getTextContent();
    }

    /** The differences of a row that has all of them, in their order. */
    List<Double> changes(String name) {
      return all(line(name), "td").stream()
          .filter(cell -> cell.getAttribute("class").startsWith("change"))
          .map(Element::getTextContent)
          .map(text -> text.equals(Numbers.MISSING) ? Double.NaN : number(text))
          .toList();
    }

    /** The rows whose cell is marked as the column's best. */
    List<String> best(String metric) {
      return lines().stream()
          .filter(line -> cell(line, metric).getAttribute("class").endsWith("best"))
          .map(Table::name)
          .toList();
    }

    private Element line(String name) {
      return lines().stream().filter(row -> name(row).equals(name)).findFirst().orElseThrow();
    }

    private List<Element> lines() {
      return all(all(element, "tbody").get(0), "tr");
    }

    private static String name(Element line) {
      return all(line, "th").get(0).getTextContent().strip();
    }

    private static Element cell(Element line, String metric) {
      return all(line, "td").stream()
          .filter(cell -> cell.getAttribute("data-metric").equals(metric))
          .findFirst()
          .orElseThrow();
    }
  }
}
