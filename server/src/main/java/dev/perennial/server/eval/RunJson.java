package dev.perennial.server.eval;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** One run of one method as JSON: a part of a report, and what an interrupted run keeps. */
final class RunJson {
  private RunJson() {}

  static JsonObject write(MethodRun run) {
    JsonObject json = new JsonObject();
    json.addProperty("seed", run.seed());
    json.add("zero_shot", array(run.zeroShot()));
    json.add("matrix", rows(run.matrix().rows()));
    MethodRun.Routing routing = run.routing();
    json.add("routing_accuracy", routing == null ? JsonNull.INSTANCE : cells(routing.accuracy()));
    MethodRun.Gate gate = run.gate();
    json.add("mean_gate_weight", gate == null ? JsonNull.INSTANCE : rows(gate.mean()));
    json.add("gate_weights", gate == null ? JsonNull.INSTANCE : histograms(gate));
    json.add("reliability", reliability(run.reliability()));
    JsonArray tasks = new JsonArray();
    for (MethodRun.TaskCost cost : run.tasks()) {
      JsonObject task = new JsonObject();
      task.addProperty("name", cost.name());
      task.addProperty("parameters", cost.parameters());
      task.addProperty("seconds", cost.seconds());
      task.addProperty("images_per_second", cost.imagesPerSecond());
      tasks.add(task);
    }
    json.add("tasks", tasks);
    return json;
  }

  /** What {@link #write} wrote; empty where it is something else. */
  static Optional<MethodRun> read(String text) {
    try {
      JsonObject json = JsonParser.parseString(text).getAsJsonObject();
      List<MethodRun.TaskCost> costs = new ArrayList<>();
      for (JsonElement element : json.getAsJsonArray("tasks")) {
        JsonObject task = element.getAsJsonObject();
        costs.add(
            new MethodRun.TaskCost(
                task.get("name").getAsString(),
                task.get("parameters").getAsLong(),
                task.get("seconds").getAsDouble(),
                task.get("images_per_second").getAsDouble()));
      }
      return Optional.of(
          new MethodRun(
              json.get("seed").getAsLong(),
              numbers(json.getAsJsonArray("zero_shot")),
              new AccuracyMatrix(matrix(json.getAsJsonArray("matrix"))),
              json.get("routing_accuracy").isJsonNull()
                  ? null
                  : new MethodRun.Routing(nullable(json.getAsJsonArray("routing_accuracy"))),
              json.get("gate_weights").isJsonNull() ? null : gate(json),
              reliability(json.getAsJsonObject("reliability")),
              costs));
    } catch (JsonParseException
        | IllegalStateException
        | IllegalArgumentException
        | NullPointerException
        | ClassCastException e) {
      return Optional.empty();
    }
  }

  private static MethodRun.Gate gate(JsonObject json) {
    JsonObject histograms = json.getAsJsonObject("gate_weights");
    return new MethodRun.Gate(
        matrix(json.getAsJsonArray("mean_gate_weight")),
        counts(histograms.getAsJsonArray("in_domain")),
        counts(histograms.getAsJsonArray("out_of_domain")));
  }

  private static JsonObject reliability(Reliability reliability) {
    JsonObject json = new JsonObject();
    json.add("learnt", bins(reliability.learnt()));
    json.add("unlearnt", bins(reliability.unlearnt()));
    json.add("risk", array(reliability.risk()));
    return json;
  }

  private static JsonObject bins(Reliability.Bins bins) {
    JsonObject json = new JsonObject();
    json.add("answers", array(bins.answers()));
    json.add("confidence", array(bins.confidence()));
    json.add("right", array(bins.right()));
    return json;
  }

  private static Reliability reliability(JsonObject json) {
    return new Reliability(
        bins(json.getAsJsonObject("learnt")),
        bins(json.getAsJsonObject("unlearnt")),
        numbers(json.getAsJsonArray("risk")));
  }

  private static Reliability.Bins bins(JsonObject json) {
    return new Reliability.Bins(
        counts(json.getAsJsonArray("answers")),
        numbers(json.getAsJsonArray("confidence")),
        counts(json.getAsJsonArray("right")));
  }

  private static JsonObject histograms(MethodRun.Gate gate) {
    JsonObject json = new JsonObject();
    json.add("in_domain", array(gate.inDomain()));
    json.add("out_of_domain", array(gate.outOfDomain()));
    return json;
  }

  private static JsonArray rows(double[][] rows) {
    JsonArray array = new JsonArray();
    for (double[] row : rows) {
      array.add(array(row));
    }
    return array;
  }

  private static JsonArray cells(@Nullable Double[][] rows) {
    JsonArray array = new JsonArray();
    for (@Nullable Double[] row : rows) {
      JsonArray values = new JsonArray();
      for (Double value : row) {
        values.add(value == null ? JsonNull.INSTANCE : new JsonPrimitive(value));
      }
      array.add(values);
    }
    return array;
  }

  static JsonArray array(double[] values) {
    JsonArray array = new JsonArray();
    for (double value : values) {
      array.add(value);
    }
    return array;
  }

  private static JsonArray array(long[] values) {
    JsonArray array = new JsonArray();
    for (long value : values) {
      array.add(value);
    }
    return array;
  }

  private static double[] numbers(JsonArray array) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).getAsDouble();
    }
    return values;
  }

  private static long[] counts(JsonArray array) {
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).getAsLong();
    }
    return values;
  }

  private static double[][] matrix(JsonArray rows) {
    double[][] values = new double[rows.size()][];
    for (int j = 0; j < values.length; j++) {
      values[j] = numbers(rows.get(j).getAsJsonArray());
    }
    return values;
  }

  private static @Nullable Double[][] nullable(JsonArray rows) {
    @Nullable Double[][] values = new Double[rows.size()][];
    for (int j = 0; j < values.length; j++) {
      JsonArray row = rows.get(j).getAsJsonArray();
      values[j] = new Double[row.size()];
      for (int i = 0; i < row.size(); i++) {
        values[j][i] = row.get(i).isJsonNull() ? null : row.get(i).getAsDouble();
      }
    }
    return values;
  }
}
