package dev.perennial.server.eval.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import dev.perennial.server.eval.report.PageText.Table;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;

class ResultsPageTest {
  private static final int SEEDS = 3;
  private static final double SHOWN = 0.05 + 1e-9;

  private static PageText page(JsonObject json) {
    return PageText.of(ResultsPage.of(json).html());
  }

  private static JsonObject method(JsonObject json, String name) {
    return json.getAsJsonObject("methods").getAsJsonObject(name);
  }

  @Test
  void html_methodTable_showsTheValuesOfTheJson() {
    JsonObject json = SampleResults.full(SEEDS);
    Table table = page(json).table("methods");
    for (String name : SampleResults.METHODS) {
      JsonObject method = method(json, name);
      for (Metric metric : Metric.OF_THE_TABLE) {
        String shown = table.metric(name, metric.key());
        if (method.has(metric.key())) {
          double value = method.get(metric.key()).getAsDouble();
          assertEquals(value, PageText.number(shown), SHOWN, name + " " + metric);
        } else {
          assertEquals(Numbers.MISSING, shown, name + " " + metric);
        }
      }
    }
  }

  @Test
  void html_methodTable_showsDifferencesToZeroShotAndToOurs() {
    JsonObject json = SampleResults.full(SEEDS);
    List<Double> changes = page(json).table("methods").changes("zscl");
    double last = method(json, "zscl").get("last").getAsDouble();
    double frozen = method(json, "zero-shot").get("last").getAsDouble();
    double ours = method(json, "diki").get("last").getAsDouble();
    assertEquals(6, changes.size());
    assertEquals(last - frozen, changes.get(4), SHOWN);
    assertEquals(last - ours, changes.get(5), SHOWN);
  }

  @Test
  void html_bestOfAColumn_isMarkedAmongThoseThatLearn() {
    Table table = page(SampleResults.full(SEEDS)).table("methods");
    assertEquals(List.of("diki"), table.best("last"));
    assertEquals(List.of("fine-tune"), table.best("forgetting"), "zero-shot's 0.5 is no merit");
    assertFalse(table.best("parameters_per_task").contains("fine-tune"));
  }

  @Test
  void html_matrices_showMeansOverSeedsAndChange() {
    JsonObject json = SampleResults.full(SEEDS);
    PageText page = page(json);
    for (String name : SampleResults.METHODS) {
      Grid mean = Grid.mean(EvalResults.of(json).method(name).orElseThrow().matrices());
      double[] frozen = EvalResults.of(json).method(name).orElseThrow().zeroShot();
      for (int j = 0; j < mean.size(); j++) {
        for (int i = 0; i < mean.size(); i++) {
          List<String> faces = page.matrixCell(name, j + 1, i);
          assertEquals(mean.at(j, i), PageText.number(faces.get(0)), SHOWN);
          assertEquals(mean.at(j, i) - frozen[i], PageText.number(faces.get(1)), SHOWN);
        }
      }
    }
  }

  @Test
  void html_namesWithMarkup_areTextAndNothingElse() {
    String evil = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>&";
    JsonObject json = SampleResults.of(List.of(evil, "two"), List.of("diki", evil), 1);
    json.addProperty("suite", evil);
    json.addProperty("command", evil);
    json.getAsJsonObject("config").addProperty(evil, evil);
    method(json, evil).addProperty("source", evil);
    String html = ResultsPage.of(json).html();
    PageText page = PageText.of(html);
    assertEquals(0, page.all("script").size());
    assertEquals(0, page.all("img").size());
    assertFalse(html.contains("<script"), "not even as text");
    assertTrue(page.text().contains(evil));
    for (Element element : page.all("*")) {
      for (int i = 0; i < element.getAttributes().getLength(); i++) {
        String name = element.getAttributes().item(i).getNodeName();
        assertFalse(name.startsWith("on"), name);
      }
    }
  }

  @Test
  void html_anyPage_loadsNothing() {
    String html = ResultsPage.of(SampleResults.full(SEEDS)).html();
    String body = html.replace("xmlns=\"http://www.w3.org/1999/xhtml\"", "");
    assertFalse(body.contains("http:") || body.contains("https:"), "an address");
    assertFalse(body.contains("url(") || body.contains("@import"), "a style from elsewhere");
    assertTrue(html.contains("default-src &#39;none&#39;"));
  }

  /** 40 answers at 50 percent, 18 right; 60 at 90 percent, 51 right; in each of the runs. */
  @Test
  void html_confidences_areShownAsTheyTurnedOut() {
    String html = ResultsPage.of(SampleResults.full(SEEDS)).html();
    assertTrue(html.contains("tasks taught: of 120 answers at 50.0 % are 45.0 % right"));
    assertTrue(html.contains("tasks not taught yet: of 180 answers at 90.0 % are 85.0 % right"));
    assertTrue(html.contains("diki: of the most confident 67 % are 10.0 % wrong"));
    assertTrue(html.contains("data-metric=\"calibration_error\">7.3"), "7.25");
  }

  @Test
  void html_references_meetTheirTargetsAndIdsAreUnique() {
    PageText page = page(SampleResults.full(SEEDS));
    Set<String> ids = new HashSet<>();
    for (Element element : page.all("*")) {
      String id = element.getAttribute("id");
      assertTrue(id.isEmpty() || ids.add(id), id);
    }
    for (Element element : page.all("*")) {
      for (String name : List.of("for", "aria-labelledby")) {
        String target = element.getAttribute(name);
        assertTrue(target.isEmpty() || ids.contains(target), target);
      }
      String link = element.getAttribute("href");
      assertTrue(!link.startsWith("#") || ids.contains(link.substring(1)), link);
    }
  }

  @Test
  void html_charts_haveTextForThoseWhoDoNotSee() {
    PageText page = page(SampleResults.full(SEEDS));
    long charts =
        page.all("svg").stream().filter(svg -> svg.getAttribute("class").equals("chart")).count();
    int trust = 1 + SampleResults.METHODS.size();
    assertEquals(1 + 7 + 4 + trust, charts, "plane, tasks, gated methods, trust");
    for (Element svg : page.all("svg")) {
      boolean told = !svg.getAttribute("aria-label").isEmpty();
      assertTrue(told || svg.getAttribute("aria-hidden").equals("true"));
    }
    for (Element table : page.all("table")) {
      assertTrue(table.getElementsByTagName("th").getLength() > 1);
    }
  }

  @Test
  void html_nothingButMatrices_isAPageThatSaysSo() {
    JsonObject json = SampleResults.full(1);
    List.of("order", "config", "versions", "command").forEach(json::remove);
    for (String name : SampleResults.METHODS) {
      JsonObject method = method(json, name);
      Set.copyOf(method.keySet()).stream()
          .filter(key -> !key.equals("runs"))
          .forEach(key -> method.add(key, JsonNull.INSTANCE));
      JsonObject run = method.getAsJsonArray("runs").get(0).getAsJsonObject();
      for (String key :
          List.of("routing_accuracy", "mean_gate_weight", "gate_weights", "reliability")) {
        run.add(key, JsonNull.INSTANCE);
      }
      run.remove("tasks");
      run.remove("zero_shot");
    }
    String text = page(json).text();
    assertTrue(text.contains("No method of this run has a gate."));
    assertTrue(text.contains("No method of this run chooses among tasks."));
    assertTrue(text.contains("This run noted no confidences."));
    assertFalse(text.contains("NaN") || text.contains("null"), "a missing number");
  }

  @Test
  void html_oneTaskOneSeed_hasNoTransferAndNoDeviation() {
    JsonObject json = SampleResults.of(List.of("only"), List.of("diki"), 1);
    PageText page = page(json);
    assertEquals(Numbers.MISSING, page.table("methods").metric("diki", "transfer"));
    assertFalse(page.text().contains("NaN"));
    assertFalse(page.table("methods").row("diki").contains("\u00b1"));
  }

  @Test
  void html_withoutOursAndZeroShot_isHeadedByTheBest() {
    JsonObject json = SampleResults.of(List.of("a", "b"), List.of("fine-tune", "zscl"), 2);
    PageText page = page(json);
    assertTrue(page.text().contains("zscl answers"), "the better Last");
    double frozen = (35 + 48) / 2.0;
    double last = method(json, "zscl").get("last").getAsDouble();
    assertEquals(last - frozen, page.table("methods").changes("zscl").get(4), SHOWN);
  }

  @Test
  void html_elevenTasksTwentyMethodsLongNames_staysWithinBounds() {
    List<String> tasks =
        IntStream.range(0, 11).mapToObj(i -> "a task with a rather long name " + i).toList();
    List<String> methods =
        IntStream.range(0, 20).mapToObj(i -> "diki, recipe official, depth " + i).toList();
    String large = ResultsPage.of(SampleResults.of(tasks, methods, SEEDS)).html();
    assertTrue(large.getBytes(StandardCharsets.UTF_8).length < 3_000_000);
    assertEquals(20, PageText.of(large).table("methods").rows());
    String usual = ResultsPage.of(SampleResults.full(SEEDS)).html();
    assertTrue(usual.getBytes(StandardCharsets.UTF_8).length < 400_000);
  }

  @Test
  void write_resultsOfAFile_isTheSamePage(@TempDir Path dir) throws IOException {
    JsonObject json = SampleResults.full(SEEDS);
    Path file = Files.writeString(dir.resolve("results.json"), json.toString());
    Path page = dir.resolve("page.html");
    ResultsPage.read(file).write(page);
    assertEquals(ResultsPage.of(json).html(), Files.readString(page));
  }

  @Test
  void html_options_standWithTheirMethod() {
    JsonObject json = SampleResults.full(1);
    method(json, "zscl").getAsJsonObject("options").addProperty("scale", "3e-5");
    assertTrue(page(json).text().contains("recipe=robust depth=3 scale=3e-5"));
  }

  @Test
  void html_scoredOnHeldOutPictures_saysSoAtTheTop() {
    JsonObject json = SampleResults.full(1);
    json.getAsJsonObject("config").addProperty("score_on", "test");
    assertFalse(page(json).text().contains("Scored on"));
    json.getAsJsonObject("config").addProperty("score_on", "validation");
    assertTrue(page(json).text().contains("Scored onvalidation"), "term and value");
  }

  @Test
  void html_command_isShownWhole() {
    JsonObject json = SampleResults.full(1);
    Element code = page(json).all("code").get(0);
    assertNotNull(code);
    assertEquals(json.get("command").getAsString(), code.getTextContent());
  }
}
