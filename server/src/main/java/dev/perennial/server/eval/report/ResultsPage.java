package dev.perennial.server.eval.report;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.chart.StyleSheet;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * One HTML page that shows the protocol's results to people: whole in itself, without scripts, and
 * by its own security policy unable to run or load any. It reads as XML too.
 */
public final class ResultsPage {
  private static final String STYLE = "results-page.css";

  private final EvalResults results;

  private ResultsPage(EvalResults results) {
    this.results = results;
  }

  /**
   * The page of the results that {@code perennial eval --json} writes; INVALID_ARGUMENT if they are
   * not.
   */
  public static ResultsPage of(JsonObject json) {
    return new ResultsPage(EvalResults.of(json));
  }

  /** The page of an earlier evaluation's JSON file. */
  public static ResultsPage read(Path file) throws IOException {
    try {
      return of(JsonParser.parseString(Files.readString(file)).getAsJsonObject());
    } catch (JsonParseException | IllegalStateException e) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "EVAL_RESULTS",
          file + ": " + e.getMessage() + " (expected: results of eval --json)",
          e);
    }
  }

  /** Writes the page, replacing a file that is there. */
  public void write(Path file) throws IOException {
    Files.writeString(file, html());
  }

  /** The page's text. */
  public String html() {
    View view = new View(results);
    Markup out = new Markup();
    out.open("html", "xmlns", "http://www.w3.org/1999/xhtml", "lang", "en");
    head(out, view);
    out.open("body");
    out.element("a", "Skip to the results", "class", "skip", "href", "#summary");
    SummarySection.header(out, view);
    out.open("main");
    SummarySection.write(out, view);
    MethodTable.write(out, view);
    MatrixSection.write(out, view);
    CurveSection.write(out, view);
    GateSection.write(out, view);
    RoutingSection.write(out, view);
    TrustSection.write(out, view);
    OriginSection.write(out, view);
    out.close();
    out.element("footer", "Made by perennial eval. This page loads nothing and runs no script.");
    out.close().close();
    return "<!DOCTYPE html>\n" + out;
  }

  private static void head(Markup out, View view) {
    out.open("head").empty("meta", "charset", "utf-8");
    out.element("title", "Perennial: " + view.results().suite() + " results");
    out.empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1");
    out.empty("meta", "name", "color-scheme", "content", "light dark");
    out.empty(
        "meta",
        "http-equiv",
        "Content-Security-Policy",
        "content",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    out.empty("link", "rel", "icon", "href", "data:,");
    out.style(
        StyleSheet.charts()
            + StyleSheet.read(ResultsPage.class, STYLE)
            + MatrixSection.css(view)
            + CurveSection.css(view));
    out.close();
  }
}
