package dev.perennial.server.eval.chart;

import java.util.List;
import java.util.function.DoubleFunction;

/**
 * A matrix as an HTML table whose cells are coloured: readable without seeing. Immutable.
 *
 * @param caption what the table shows
 * @param corner what the rows are
 * @param columns a name for each cell of a row
 */
public record HeatMap(String caption, String corner, List<String> columns, List<Row> rows) {
  /** The class of a cell that is to be found at once. */
  public static final String FRAMED = "framed";

  /**
   * One row.
   *
   * @param style a class for the row, empty for none
   */
  public record Row(String name, String style, List<Cell> cells) {
    /** Takes a copy. */
    public Row {
      cells = List.copyOf(cells);
    }
  }

  /**
   * One cell: the faces that the page may turn up, one at a time.
   *
   * @param style a class for the cell, empty for none
   */
  public record Cell(String style, String title, List<Face> faces) {
    /** Takes a copy. */
    public Cell {
      faces = List.copyOf(faces);
    }
  }

  /** A text on a colour. */
  public record Face(String style, String text) {
    /** A number on its colour; a dash where there is none. */
    public static Face of(
        String style, double value, DoubleFunction<String> colour, DoubleFunction<String> text) {
      return Double.isNaN(value)
          ? new Face(join(style, "none"), "\u2013")
          : new Face(join(style, colour.apply(value)), text.apply(value));
    }
  }

  /** Takes copies; every row must have a cell for each column. */
  public HeatMap {
    columns = List.copyOf(columns);
    rows = List.copyOf(rows);
    for (Row row : rows) {
      if (row.cells().size() != columns.size()) {
        throw new IllegalArgumentException(
            "cells: %d (expected: %d)".formatted(row.cells().size(), columns.size()));
      }
    }
  }

  /** Writes the table in a frame that scrolls by itself where the page is narrow. */
  public void draw(Markup out) {
    out.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-label", caption);
    out.open("table", "class", "heat").element("caption", caption);
    out.open("thead").open("tr").element("th", corner, "scope", "col", "class", "corner");
    for (String column : columns) {
      out.open("th", "scope", "col", "title", column).element("span", column).close();
    }
    out.close().close().open("tbody");
    for (Row row : rows) {
      out.open("tr", "class", row.style());
      out.element("th", row.name(), "scope", "row", "title", row.name());
      for (Cell cell : row.cells()) {
        out.open("td", "class", cell.style(), "title", cell.title());
        cell.faces().forEach(face -> out.element("span", face.text(), "class", face.style()));
        out.close();
      }
      out.close();
    }
    out.close().close().close();
  }

  private static String join(String style, String other) {
    return style.isEmpty() ? other : style + " " + other;
  }
}
