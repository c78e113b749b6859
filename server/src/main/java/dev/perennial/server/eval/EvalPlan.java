package dev.perennial.server.eval;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.data.LabelledPicture;
import dev.perennial.server.eval.data.Suite;
import dev.perennial.server.eval.data.TaskData;
import dev.perennial.server.training.Split;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;

/**
 * What is to be measured. Immutable; safe for any thread.
 *
 * @param order names of tasks in the order in which they are learnt
 * @param shots training pictures of each class; 0 for all
 * @param tests the first so many test pictures of each class; 0 for all
 */
public record EvalPlan(
    Suite suite,
    List<String> order,
    int shots,
    int tests,
    LabelSpace.Kind labels,
    ScoreOn scoreOn,
    Bench.Engine engine,
    List<Long> seeds,
    List<EvalRow> rows) {
  /** Which pictures accuracies are of. */
  public enum ScoreOn {
    /** The test pictures; all training pictures are taught. */
    TEST,
    /**
     * A fifth of each class's training pictures, which are not taught: for tuning a method without
     * a look at the test pictures.
     */
    VALIDATION
  }

  /** Of each class, in {@link ScoreOn#VALIDATION}. */
  private static final float VALIDATION_SHARE = 0.2f;

  /** Throws INVALID_ARGUMENT that names what is wrong. */
  public EvalPlan {
    order = List.copyOf(order);
    seeds = List.copyOf(seeds);
    rows = List.copyOf(rows);
    requireEachOnce("order", order);
    requireEachOnce("seeds", seeds);
    requireEachOnce("methods", rows.stream().map(EvalRow::name).toList());
    for (String name : order) {
      if (!suite.tasks().contains(name)) {
        throw ServingException.invalid(
            "UNKNOWN_TASK",
            "order",
            "task: %s (expected: one of %s)".formatted(name, suite.tasks()));
      }
    }
    if (shots < 0 || tests < 0) {
      throw ServingException.invalid(
          "BAD_SHOTS",
          "shots",
          "shots and tests: %d and %d (expected: 0 for all, or more)".formatted(shots, tests));
    }
  }

  private static void requireEachOnce(String what, List<?> values) {
    if (values.isEmpty() || new HashSet<>(values).size() != values.size()) {
      throw ServingException.invalid(
          "BAD_LIST", what, what + ": " + values + " (expected: at least one, each once)");
    }
  }

  /** The tasks of one seed, in order. May read files. */
  List<TaskData> tasks(long seed) {
    List<TaskData> tasks = new ArrayList<>();
    synchronized (suite) { // a suite is used by one thread
      for (String name : order) {
        TaskData task = suite.task(name, shots, seed);
        tasks.add(scoreOn == ScoreOn.TEST ? firstTests(task) : heldOut(task, seed));
      }
    }
    return tasks;
  }

  private TaskData firstTests(TaskData task) {
    if (tests == 0) {
      return task;
    }
    int[] seen = new int[task.classNames().size()];
    List<LabelledPicture> first =
        task.test().stream().filter(picture -> seen[picture.classIndex()]++ < tests).toList();
    return new TaskData(task.name(), task.classNames(), task.template(), task.train(), first);
  }

  private static TaskData heldOut(TaskData task, long seed) {
    int[] classOf = task.train().stream().mapToInt(LabelledPicture::classIndex).toArray();
    Split split = Split.of(classOf, task.classNames().size(), VALIDATION_SHARE, seed);
    if (split.validation().length == 0) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "NOTHING_HELD_OUT",
          "training pictures of %s: %d (expected: five or more of a class, to score on some)"
              .formatted(task.name(), classOf.length));
    }
    return new TaskData(
        task.name(),
        task.classNames(),
        task.template(),
        pictures(task, split.training()),
        pictures(task, split.validation()));
  }

  private static List<LabelledPicture> pictures(TaskData task, int[] places) {
    List<LabelledPicture> pictures = new ArrayList<>(places.length);
    for (int place : places) {
      pictures.add(task.train().get(place));
    }
    return pictures;
  }

  /** What a run's state must agree in: all but the rows and the seeds. */
  public JsonObject conditions() {
    JsonObject json = new JsonObject();
    json.addProperty("suite", suite.name());
    JsonArray names = new JsonArray();
    order.forEach(names::add);
    json.add("order", names);
    json.addProperty("shots", shots);
    json.addProperty("tests", tests);
    json.addProperty("labels", MethodOptions.text(labels));
    json.addProperty("score_on", MethodOptions.text(scoreOn));
    json.addProperty("device", engine.device());
    json.addProperty("precision", MethodOptions.text(engine.precision()));
    json.addProperty("model_fingerprint", engine.directory().fingerprint());
    return json;
  }
}
