package dev.perennial.server.eval;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;

/** Runs of the protocol as JSON for machines and as a table for people. Immutable. */
public final class EvalReport {
  /** The row of the frozen model: its answers before anything was taught, whatever comes later. */
  private static final String ZERO_SHOT = "zero-shot";

  private final String suite;
  private final String method;
  private final int shots;
  private final List<String> domains;
  private final List<Protocol.Run> runs;

  /** A report on at least one run of the same method over the same domains. */
  public EvalReport(
      String suite, String method, int shots, List<String> domains, List<Protocol.Run> runs) {
    if (runs.isEmpty()) {
      throw new IllegalArgumentException("runs: 0 (expected: at least 1)");
    }
    this.suite = suite;
    this.method = method;
    this.shots = shots;
    this.domains = List.copyOf(domains);
    this.runs = List.copyOf(runs);
  }

  /**
   * {@code methods.<name>.{transfer,avg,last}} in percent, means over the runs; matrices with row =
   * after task j.
   */
  public JsonObject json() {
    JsonObject methods = new JsonObject();
    methods.add(ZERO_SHOT, method(runs.stream().map(EvalReport::frozen).toList()));
    methods.add(method, method(runs));
    JsonObject json = new JsonObject();
    json.addProperty("suite", suite);
    json.addProperty("shots", shots);
    json.addProperty("labels", "task");
    JsonArray names = new JsonArray();
    domains.forEach(names::add);
    json.add("tasks", names);
    json.add("methods", methods);
    return json;
  }

  /** Each run's matrix, then a row per method. */
  public String table() {
    StringBuilder text = new StringBuilder();
    for (Protocol.Run run : runs) {
      text.append("accuracy in percent, seed ").append(run.seed()).append('\n');
      text.append(line("after", domains));
      text.append(line("(nothing)", format(run.zeroShot())));
      for (int j = 0; j < domains.size(); j++) {
        double[] row = run.matrix().rows()[j];
        text.append(line(domains.get(j), format(java.util.Arrays.stream(row).boxed().toList())));
      }
      text.append('\n');
    }
    text.append(line("method", List.of("transfer", "avg", "last")));
    text.append(summary(ZERO_SHOT, runs.stream().map(EvalReport::frozen).toList()));
    text.append(summary(method, runs));
    return text.toString();
  }

  private static Protocol.Run frozen(Protocol.Run run) {
    double[] row = run.zeroShot().stream().mapToDouble(Double::doubleValue).toArray();
    double[][] rows = Collections.nCopies(row.length, row).toArray(double[][]::new);
    return new Protocol.Run(run.seed(), run.zeroShot(), new AccuracyMatrix(rows));
  }

  private static JsonObject method(List<Protocol.Run> runs) {
    JsonObject json = new JsonObject();
    json.addProperty("transfer", mean(runs, AccuracyMatrix::transfer));
    json.addProperty("avg", mean(runs, AccuracyMatrix::average));
    json.addProperty("last", mean(runs, AccuracyMatrix::last));
    JsonArray array = new JsonArray();
    for (Protocol.Run run : runs) {
      JsonArray matrix = new JsonArray();
      for (double[] row : run.matrix().rows()) {
        JsonArray values = new JsonArray();
        for (double value : row) {
          values.add(value);
        }
        matrix.add(values);
      }
      JsonObject entry = new JsonObject();
      entry.addProperty("seed", run.seed());
      entry.add("matrix", matrix);
      array.add(entry);
    }
    json.add("runs", array);
    return json;
  }

  private static String summary(String name, List<Protocol.Run> runs) {
    return line(
        name,
        format(
            List.of(
                mean(runs, AccuracyMatrix::transfer),
                mean(runs, AccuracyMatrix::average),
                mean(runs, AccuracyMatrix::last))));
  }

  private static double mean(List<Protocol.Run> runs, ToDoubleFunction<AccuracyMatrix> metric) {
    return runs.stream().map(Protocol.Run::matrix).mapToDouble(metric).average().orElseThrow();
  }

  private static List<String> format(List<Double> percent) {
    return percent.stream().map(value -> String.format(Locale.ROOT, "%.1f", value)).toList();
  }

  private static String line(String head, List<String> cells) {
    StringBuilder text = new StringBuilder(String.format("%-12s", head));
    cells.forEach(cell -> text.append(String.format("%10s", cell)));
    return text.append('\n').toString();
  }
}
