package dev.perennial.server.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.perennial.client.Classification;
import dev.perennial.client.Classification.LabelScore;
import dev.perennial.client.Classification.Routing;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Shows answers as they come, in the order of the files. */
interface ClassifyDisplay {
  void answered(Path file, Classification answer);

  void failed(Path file, String error);

  /** A line per file: labels with percentages, task and gate weight. */
  final class Table implements ClassifyDisplay {
    private static final int MAX_FILE_WIDTH = 48;

    private final PrintWriter out;
    private final int width;

    Table(PrintWriter out, List<Path> files) {
      this.out = out;
      this.width =
          Math.min(
              MAX_FILE_WIDTH,
              files.stream().mapToInt(file -> file.toString().length()).max().orElse(1));
    }

    @Override
    public void answered(Path file, Classification answer) {
      String scores =
          answer.scores().stream()
              .map(
                  score ->
                      String.format(
                          Locale.ROOT, "%s %.1f %%", score.label(), 100 * score.probability()))
              .collect(Collectors.joining("  "));
      Routing routing = answer.routing();
      String way =
          routing == null
              ? ""
              : String.format(
                  Locale.ROOT,
                  "  [%s, w %.2f, z %.1f]",
                  routing.task(),
                  routing.gateWeight(),
                  routing.z());
      String unknown =
          answer.unknownWords().isEmpty()
              ? ""
              : "  (unknown words: "
                  + answer.unknownWords().stream()
                      .flatMap(label -> label.words().stream())
                      .distinct()
                      .collect(Collectors.joining(", "))
                  + ")";
      line(file, scores + way + unknown);
    }

    @Override
    public void failed(Path file, String error) {
      line(file, "error: " + error);
    }

    private void line(Path file, String text) {
      String name = file.toString();
      String shown =
          name.length() <= width ? name : "..." + name.substring(name.length() - width + 3);
      out.printf("%-" + width + "s  %s%n", shown, text);
      out.flush();
    }
  }

  /** One JSON object a line. */
  final class JsonLines implements ClassifyDisplay {
    private static final Gson JSON =
        new GsonBuilder().disableHtmlEscaping().serializeSpecialFloatingPointValues().create();

    private final PrintWriter out;

    JsonLines(PrintWriter out) {
      this.out = out;
    }

    @Override
    public void answered(Path file, Classification answer) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("file", file.toString());
      line.put("scores", answer.scores().stream().map(JsonLines::score).toList());
      Routing routing = answer.routing();
      if (routing != null) {
        line.put("task", routing.task());
        line.put("version_id", routing.versionId());
        line.put("gate_weight", routing.gateWeight());
        line.put("log_density", routing.logDensity());
        line.put("z", routing.z());
      }
      line.put("epoch", answer.epoch());
      if (!answer.unknownWords().isEmpty()) {
        line.put(
            "unknown_words",
            answer.unknownWords().stream()
                .collect(
                    Collectors.toMap(
                        Classification.UnknownWords::label, Classification.UnknownWords::words)));
      }
      print(line);
    }

    @Override
    public void failed(Path file, String error) {
      print(Map.of("file", file.toString(), "error", error));
    }

    private void print(Map<String, Object> line) {
      out.println(JSON.toJson(line));
      out.flush();
    }

    private static Map<String, Object> score(LabelScore score) {
      Map<String, Object> json = new LinkedHashMap<>();
      json.put("label", score.label());
      json.put("probability", score.probability());
      json.put("logit", score.logit());
      return json;
    }
  }
}
