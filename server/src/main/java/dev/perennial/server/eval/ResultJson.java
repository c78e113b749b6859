package dev.perennial.server.eval;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * A result for machines: {@code methods.<row>} has the means over seeds in percent and every run
 * with its matrix, row = after task j, column = task i. What is undefined is null.
 */
public final class ResultJson {
  private ResultJson() {}

  /**
   * Everything that was measured.
   *
   * @param versions of the program and what it stands on, by name
   */
  public static JsonObject write(EvalResult result, Map<String, String> versions) {
    EvalPlan plan = result.plan();
    JsonObject json = new JsonObject();
    json.addProperty("suite", plan.suite().name());
    json.addProperty("labels", MethodOptions.text(plan.labels()));
    json.addProperty("shots", plan.shots());
    JsonArray order = new JsonArray();
    plan.order().forEach(order::add);
    json.add("order", order);
    json.add("tasks", tasks(result));
    JsonObject config = plan.conditions();
    JsonArray seeds = new JsonArray();
    plan.seeds().forEach(seeds::add);
    config.add("seeds", seeds);
    json.add("config", config);
    JsonObject names = new JsonObject();
    versions.forEach(names::addProperty);
    names.addProperty("model_fingerprint", plan.engine().directory().fingerprint());
    json.add("versions", names);
    JsonObject methods = new JsonObject();
    result.runs().forEach((row, runs) -> methods.add(row.name(), method(row, runs)));
    json.add("methods", methods);
    return json;
  }

  private static JsonArray tasks(EvalResult result) {
    JsonArray tasks = new JsonArray();
    for (EvalResult.TaskFacts facts : result.tasks()) {
      JsonObject task = new JsonObject();
      task.addProperty("name", facts.name());
      task.addProperty("classes", facts.classes());
      task.addProperty("test_images", facts.testImages());
      tasks.add(task);
    }
    return tasks;
  }

  private static JsonObject method(EvalRow row, List<MethodRun> runs) {
    JsonObject json = new JsonObject();
    json.addProperty("source", row.kind().source());
    JsonObject options = new JsonObject();
    row.options().forEach(options::addProperty);
    json.add("options", options);
    EvalResult.figures(runs)
        .forEach(
            (name, figure) -> {
              json.add(name, number(figure.mean()));
              if (runs.size() > 1) {
                json.add(name + "_std", number(figure.std()));
              }
            });
    json.add("parameters_per_task", mean(runs, MethodRun.TaskCost::parameters));
    json.add("train_seconds", mean(runs, MethodRun.TaskCost::seconds));
    json.add("train_images_per_second", mean(runs, MethodRun.TaskCost::imagesPerSecond));
    JsonArray array = new JsonArray();
    runs.forEach(run -> array.add(RunJson.write(run)));
    json.add("runs", array);
    return json;
  }

  private static JsonElement mean(
      List<MethodRun> runs, ToDoubleFunction<MethodRun.TaskCost> value) {
    return number(EvalResult.meanOfTasks(runs, value));
  }

  private static JsonElement number(double value) {
    return Double.isFinite(value) ? new JsonPrimitive(value) : JsonNull.INSTANCE;
  }
}
