package dev.perennial.server.eval.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Results as the protocol writes them, with made-up numbers that look like the field's. */
final class SampleResults {
  static final List<String> METHODS =
      List.of(
          "zero-shot",
          "fine-tune",
          "zscl",
          "prompt-pool",
          "iki",
          "diki-paper",
          "diki-official",
          "diki");

  private static final List<String> TASKS =
      List.of("sketch", "digits", "textures", "counting", "letters", "signs", "thermal");

  private static final int BINS = 20;

  private SampleResults() {}

  /** Every part present: seven tasks, the methods of the article, so many seeds. */
  static JsonObject full(int seeds) {
    return of(TASKS, METHODS, seeds);
  }

  static JsonObject of(List<String> tasks, List<String> methods, int seeds) {
    JsonObject json = new JsonObject();
    json.addProperty("suite", "mini-mtil");
    json.addProperty("labels", "task");
    json.addProperty("shots", 50);
    json.addProperty("command", "perennial eval --suite mini-mtil --shots 50 --seeds 0,1,2");
    JsonArray order = new JsonArray();
    JsonArray facts = new JsonArray();
    for (String task : tasks) {
      order.add(task);
      JsonObject fact = new JsonObject();
      fact.addProperty("name", task);
      fact.addProperty("classes", 10);
      fact.addProperty("test_images", 300);
      facts.add(fact);
    }
    json.add("order", order);
    json.add("tasks", facts);
    json.add("config", config());
    json.add("versions", versions());
    JsonObject all = new JsonObject();
    for (int m = 0; m < methods.size(); m++) {
      all.add(methods.get(m), method(methods.get(m), m, tasks, seeds));
    }
    json.add("methods", all);
    return json;
  }

  private static JsonObject config() {
    JsonObject training = new JsonObject();
    training.addProperty("recipe", "robust");
    training.addProperty("learning_rate", 20);
    JsonArray seeds = new JsonArray();
    IntStream.range(0, 3).forEach(seeds::add);
    JsonObject config = new JsonObject();
    config.addProperty("shots", 50);
    config.addProperty("gate", "robust");
    config.add("seeds", seeds);
    config.add("training", training);
    return config;
  }

  private static JsonObject versions() {
    JsonObject versions = new JsonObject();
    versions.addProperty("perennial", "0.1.0");
    versions.addProperty("java", "17.0.13");
    versions.addProperty("pytorch", "2.7.1");
    versions.addProperty("model_fingerprint", "9f2c".repeat(16));
    return versions;
  }

  private static JsonObject method(String name, int index, List<String> tasks, int seeds) {
    JsonArray runs = new JsonArray();
    double transfer = 0;
    double avg = 0;
    double last = 0;
    for (int seed = 0; seed < seeds; seed++) {
      double[][] matrix = matrix(name, index, tasks.size(), seed);
      runs.add(run(name, seed, matrix, tasks));
      transfer += transfer(matrix) / seeds;
      avg +=
          IntStream.range(0, matrix.length)
                  .mapToDouble(j -> mean(matrix[j]))
                  .average()
                  .orElseThrow()
              / seeds;
      last += mean(matrix[matrix.length - 1]) / seeds;
    }
    JsonObject method = new JsonObject();
    method.addProperty("source", "DIKI, ECCV 2024, arXiv 2407.05342");
    JsonObject options = new JsonObject();
    options.addProperty("recipe", "robust");
    options.addProperty("depth", "3");
    method.add("options", options);
    if (tasks.size() > 1) {
      method.addProperty("transfer", transfer);
      method.addProperty("backward_transfer", -0.4 - index * 0.3);
      method.addProperty("forgetting", 0.5 + index * 0.37);
    }
    method.addProperty("avg", avg);
    method.addProperty("last", last);
    method.addProperty("calibration_error", 7.25);
    if (seeds > 1) {
      method.addProperty("transfer_std", 0.21);
      method.addProperty("avg_std", 0.33);
      method.addProperty("last_std", 0.44);
    }
    if (!name.equals("zero-shot")) {
      method.addProperty("parameters_per_task", name.equals("fine-tune") ? 1_287_425 : 12_288);
      method.addProperty("train_seconds", 12.5 + index);
      method.addProperty("train_images_per_second", 812.0 - index);
    }
    method.add("runs", runs);
    return method;
  }

  private static JsonObject run(String name, int seed, double[][] matrix, List<String> tasks) {
    JsonObject run = new JsonObject();
    run.addProperty("seed", seed);
    run.add("zero_shot", array(zeroShot(tasks.size())));
    run.add("matrix", rows(matrix));
    boolean gated = name.startsWith("diki") || name.equals("iki");
    if (gated) {
      run.add("routing_accuracy", rows(cells(tasks.size(), 94, Double.NaN)));
      run.add("mean_gate_weight", rows(cells(tasks.size(), 0.97, 0.02)));
      run.add("gate_weights", gate());
    }
    run.add("reliability", reliability());
    JsonArray costs = new JsonArray();
    for (String task : tasks) {
      JsonObject cost = new JsonObject();
      cost.addProperty("name", task);
      cost.addProperty("parameters", 12_288);
      cost.addProperty("seconds", 12.5);
      cost.addProperty("images_per_second", 812);
      costs.add(cost);
    }
    run.add("tasks", costs);
    return run;
  }

  private static JsonObject gate() {
    JsonArray in = new JsonArray();
    JsonArray out = new JsonArray();
    for (int k = 0; k < BINS; k++) {
      in.add(k == BINS - 1 ? 5200 : 12 * k);
      out.add(k == 0 ? 6100 : 9 * (BINS - k));
    }
    JsonObject gate = new JsonObject();
    gate.add("in_domain", in);
    gate.add("out_of_domain", out);
    return gate;
  }

  private static JsonObject reliability() {
    JsonObject bins = new JsonObject();
    bins.add("answers", array(new double[] {0, 40, 60}));
    bins.add("confidence", array(new double[] {0, 20, 54}));
    bins.add("right", array(new double[] {0, 18, 51}));
    JsonObject reliability = new JsonObject();
    reliability.add("learnt", bins);
    reliability.add("unlearnt", bins);
    reliability.add("risk", array(new double[] {2.5, 10, 31}));
    return reliability;
  }

  private static double[] zeroShot(int tasks) {
    return IntStream.range(0, tasks).mapToDouble(i -> 35 + i * 13 % 37).toArray();
  }

  /** Learnt tasks gain; the lower the index, the more is lost before and after. */
  private static double[][] matrix(String name, int index, int tasks, int seed) {
    Random random = new Random(seed * 31L + index);
    double[] frozen = zeroShot(tasks);
    double harm = Math.max(0, 4 - 0.55 * index);
    double[][] matrix = new double[tasks][tasks];
    for (int j = 0; j < tasks; j++) {
      for (int i = 0; i < tasks; i++) {
        double noise = random.nextDouble() - 0.5;
        double gain = j >= i ? 38 + index - harm * (j - i) : -harm * (j + 1);
        double value = name.equals("zero-shot") ? frozen[i] : frozen[i] + gain + noise;
        matrix[j][i] = Math.max(0, Math.min(100, value));
      }
    }
    return matrix;
  }

  /** One value on and below the diagonal, another above it. */
  private static double[][] cells(int tasks, double learnt, double ahead) {
    double[][] cells = new double[tasks][tasks];
    for (int j = 0; j < tasks; j++) {
      for (int i = 0; i < tasks; i++) {
        cells[j][i] = i <= j ? learnt : ahead;
      }
    }
    return cells;
  }

  private static double transfer(double[][] matrix) {
    return IntStream.range(1, matrix.length)
        .mapToDouble(
            i -> IntStream.range(0, i).mapToDouble(j -> matrix[j][i]).average().orElseThrow())
        .average()
        .orElse(Double.NaN);
  }

  private static double mean(double[] row) {
    return IntStream.range(0, row.length).mapToDouble(i -> row[i]).average().orElseThrow();
  }

  private static JsonArray rows(double[][] rows) {
    JsonArray array = new JsonArray();
    for (double[] row : rows) {
      array.add(array(row));
    }
    return array;
  }

  private static JsonArray array(double[] values) {
    JsonArray array = new JsonArray();
    for (double value : values) {
      array.add(Double.isNaN(value) ? null : new JsonPrimitive(value));
    }
    return array;
  }
}
