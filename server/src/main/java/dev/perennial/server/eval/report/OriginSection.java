package dev.perennial.server.eval.report;

import dev.perennial.server.eval.chart.Markup;
import dev.perennial.server.eval.report.EvalResults.MethodResults;
import dev.perennial.server.eval.report.EvalResults.TaskFacts;
import java.util.Map;
import java.util.stream.Collectors;

/** Where the numbers come from: command, tasks, sources of the methods, configuration, versions. */
final class OriginSection {
  private OriginSection() {}

  static void write(Markup out, View view) {
    EvalResults results = view.results();
    Sections.begin(out, "origin", "How it was made");
    if (results.command() != null) {
      out.open("pre", "tabindex", "0", "aria-label", "Command");
      out.element("code", results.command()).close();
    }
    out.element(
        "p",
        results.labels().equals("union")
            ? "Label space union: every image is asked with the classes of all tasks, without any"
                + " hint of its task."
            : "Label space task: every image is asked with the classes of its own task; which"
                + " task's branch it gets is not told.",
        "class",
        "explain");
    out.open("div", "class", "origins");
    tasks(out, results);
    sources(out, results);
    settings(out, "Configuration", results.config());
    settings(out, "Versions", results.versions());
    out.close().close();
  }

  private static void tasks(Markup out, EvalResults results) {
    out.open("div").element("h3", "Tasks, in order").open("table", "class", "plain");
    out.open("thead").open("tr");
    out.element("th", "task", "scope", "col");
    out.element("th", "classes", "scope", "col").element("th", "test images", "scope", "col");
    out.close().close().open("tbody");
    for (TaskFacts task : results.tasks()) {
      out.open("tr").element("th", task.name(), "scope", "row");
      out.element("td", Numbers.decimal(task.classes(), 0));
      out.element("td", Numbers.decimal(task.testImages(), 0)).close();
    }
    out.close().close().close();
  }

  private static void sources(Markup out, EvalResults results) {
    out.open("div").element("h3", "Methods and their sources").open("dl");
    for (MethodResults method : results.methods()) {
      out.element("dt", method.name());
      out.open("dd").text(method.source() == null ? "no source noted" : method.source());
      if (!method.options().isEmpty()) {
        out.empty("br").element("code", options(method));
      }
      out.close();
    }
    out.close().close();
  }

  private static String options(MethodResults method) {
    return method.options().entrySet().stream()
        .map(option -> option.getKey() + "=" + option.getValue())
        .collect(Collectors.joining(" "));
  }

  private static void settings(Markup out, String heading, Map<String, String> settings) {
    if (settings.isEmpty()) {
      return;
    }
    out.open("div").element("h3", heading).open("dl");
    settings.forEach((name, value) -> out.element("dt", name).element("dd", value));
    out.close().close();
  }
}
