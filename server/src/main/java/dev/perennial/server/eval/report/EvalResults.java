package dev.perennial.server.eval.report;

import com.google.gson.JsonObject;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The protocol's results as the page needs them, read from the JSON that {@code perennial eval
 * --json} writes. What may be absent there may be absent here. Immutable.
 *
 * @param shots training images of each class, 0 for all
 * @param command what made the results; null if it was not noted
 */
record EvalResults(
    String suite,
    String labels,
    int shots,
    @Nullable String command,
    List<TaskFacts> tasks,
    Map<String, String> config,
    Map<String, String> versions,
    List<MethodResults> methods) {
  /** Answers of the frozen model: what the others are measured against. */
  static final String ZERO_SHOT = "zero-shot";

  /** Perennial's own default; and what it was before, where that was not run. */
  private static final List<String> OURS = List.of("perennial", "diki");

  /**
   * One task.
   *
   * @param classes NaN if not noted
   * @param testImages NaN if not noted
   */
  record TaskFacts(String name, double classes, double testImages) {}

  /** A metric of one method, mean and standard deviation over seeds; NaN where there is none. */
  record Score(double mean, double std) {}

  /**
   * One method.
   *
   * @param isOurs whether it is {@link EvalResults#ours}
   */
  record MethodResults(
      String name,
      boolean isOurs,
      @Nullable String source,
      Map<String, String> options,
      Map<Metric, Score> scores,
      List<RunResults> runs) {
    /** The metric's mean; NaN where there is none. */
    double mean(Metric metric) {
      return score(metric).mean();
    }

    Score score(Metric metric) {
      return scores.getOrDefault(metric, new Score(Double.NaN, Double.NaN));
    }

    List<Grid> matrices() {
      return runs.stream().map(RunResults::matrix).toList();
    }

    /** Mean over the runs of each task's accuracy before anything was learnt. */
    double[] zeroShot() {
      double[] mean = new double[runs.get(0).zeroShot().length];
      for (int i = 0; i < mean.length; i++) {
        int task = i;
        mean[i] = Grid.mean(runs.stream().mapToDouble(run -> run.zeroShot()[task]).toArray());
      }
      return mean;
    }

    boolean isZeroShot() {
      return name.equals(ZERO_SHOT);
    }
  }

  /**
   * One method under one seed.
   *
   * @param zeroShot percent for each task, before anything was learnt
   * @param gate null where the method has no gate
   * @param reliability null where confidences were not noted
   * @param costs for each task; null where nothing is learnt
   */
  @SuppressWarnings("ArrayRecordComponent") // read by the page alone, never compared or changed
  record RunResults(
      long seed,
      double[] zeroShot,
      Grid matrix,
      @Nullable Grid routingAccuracy,
      @Nullable Grid meanGateWeight,
      @Nullable GateCounts gate,
      @Nullable Reliability reliability,
      @Nullable List<Cost> costs) {}

  /**
   * Whether confidences can be believed.
   *
   * @param risk percent of wrong answers at coverages in equal steps up to 1
   */
  @SuppressWarnings("ArrayRecordComponent") // read by the page alone, never compared or changed
  record Reliability(Bins learnt, Bins unlearnt, double[] risk) {}

  /**
   * Answers by confidence, in bins of equal width over 0..1: how many, sum of confidence, right.
   */
  @SuppressWarnings("ArrayRecordComponent") // read by the page alone, never compared or changed
  record Bins(double[] answers, double[] confidence, double[] right) {}

  /** What learning one task took; NaN where it was not noted. */
  record Cost(double parameters, double seconds, double imagesPerSecond) {}

  /** Images by gate weight in bins of equal width over 0..1. */
  @SuppressWarnings("ArrayRecordComponent") // read by the page alone, never compared or changed
  record GateCounts(double[] inDomain, double[] outOfDomain) {}

  /** Reads the results; INVALID_ARGUMENT names what is not as it should be. */
  static EvalResults of(JsonObject json) {
    JsonPart root = new JsonPart("", json);
    List<TaskFacts> tasks = tasks(root.get("tasks"));
    if (tasks.isEmpty()) {
      throw root.get("tasks").wrong("at least one task");
    }
    List<MethodResults> methods = new ArrayList<>();
    Map<String, JsonPart> parts = root.get("methods").members();
    String ours = ours(parts.keySet());
    parts.forEach((name, part) -> methods.add(method(name, ours, part, tasks.size())));
    if (methods.isEmpty()) {
      throw root.get("methods").wrong("at least one method");
    }
    JsonPart labels = root.find("labels");
    JsonPart shots = root.find("shots");
    JsonPart command = root.find("command");
    return new EvalResults(
        root.get("suite").text(),
        labels == null ? "task" : labels.text(),
        shots == null ? 0 : (int) shots.number(),
        command == null ? null : command.text(),
        tasks,
        settings(root.find("config")),
        settings(root.find("versions")),
        methods);
  }

  private static String ours(Set<String> names) {
    return OURS.stream().filter(names::contains).findFirst().orElse(OURS.get(0));
  }

  /** The name of the method that others are compared with, whether it was run or not. */
  String ours() {
    return ours(methods.stream().map(MethodResults::name).collect(Collectors.toSet()));
  }

  Optional<MethodResults> method(String name) {
    return methods.stream().filter(method -> method.name().equals(name)).findFirst();
  }

  List<String> taskNames() {
    return tasks.stream().map(TaskFacts::name).toList();
  }

  /** Runs of the method that has most of them. */
  int seeds() {
    return methods.stream().mapToInt(method -> method.runs().size()).max().orElse(0);
  }

  private static List<TaskFacts> tasks(JsonPart part) {
    List<TaskFacts> tasks = new ArrayList<>();
    for (JsonPart task : part.list()) {
      tasks.add(
          new TaskFacts(
              task.get("name").text(), number(task, "classes"), number(task, "test_images")));
    }
    return List.copyOf(tasks);
  }

  private static MethodResults method(String name, String ours, JsonPart part, int tasks) {
    Map<Metric, Score> scores = new EnumMap<>(Metric.class);
    for (Metric metric : Metric.values()) {
      scores.put(
          metric, new Score(number(part, metric.key()), number(part, metric.key() + "_std")));
    }
    List<RunResults> runs = part.get("runs").list().stream().map(run -> run(run, tasks)).toList();
    if (runs.isEmpty()) {
      throw part.get("runs").wrong("at least one run");
    }
    JsonPart source = part.find("source");
    return new MethodResults(
        name,
        name.equals(ours),
        source == null ? null : source.text(),
        settings(part.find("options")),
        scores,
        runs);
  }

  private static RunResults run(JsonPart run, int tasks) {
    JsonPart zeroShot = run.find("zero_shot");
    JsonPart routing = run.find("routing_accuracy");
    JsonPart weights = run.find("mean_gate_weight");
    JsonPart gate = run.find("gate_weights");
    JsonPart reliability = run.find("reliability");
    JsonPart costs = run.find("tasks");
    return new RunResults(
        (long) run.get("seed").number(),
        zeroShot == null ? missing(tasks) : zeroShot.numbers(tasks),
        run.get("matrix").grid(tasks),
        routing == null ? null : routing.grid(tasks),
        weights == null ? null : weights.grid(tasks),
        gate == null ? null : gate(gate),
        reliability == null ? null : reliability(reliability),
        costs == null ? null : costs.list(tasks).stream().map(EvalResults::cost).toList());
  }

  private static Cost cost(JsonPart task) {
    return new Cost(
        number(task, "parameters"), number(task, "seconds"), number(task, "images_per_second"));
  }

  private static GateCounts gate(JsonPart gate) {
    int bins = Math.max(1, gate.get("in_domain").list().size());
    return new GateCounts(
        gate.get("in_domain").numbers(bins), gate.get("out_of_domain").numbers(bins));
  }

  private static Reliability reliability(JsonPart part) {
    JsonPart risk = part.get("risk");
    return new Reliability(
        bins(part.get("learnt")),
        bins(part.get("unlearnt")),
        risk.numbers(Math.max(1, risk.list().size())));
  }

  private static Bins bins(JsonPart part) {
    int bins = Math.max(1, part.get("answers").list().size());
    return new Bins(
        part.get("answers").numbers(bins),
        part.get("confidence").numbers(bins),
        part.get("right").numbers(bins));
  }

  private static double[] missing(int tasks) {
    double[] missing = new double[tasks];
    Arrays.fill(missing, Double.NaN);
    return missing;
  }

  private static double number(JsonPart part, String key) {
    JsonPart found = part.find(key);
    return found == null ? Double.NaN : found.number();
  }

  /** Every setting under its path; objects within are opened. */
  private static Map<String, String> settings(@Nullable JsonPart part) {
    Map<String, String> settings = new LinkedHashMap<>();
    if (part != null) {
      collect("", part, settings);
    }
    return settings;
  }

  private static void collect(String prefix, JsonPart part, Map<String, String> settings) {
    part.members()
        .forEach(
            (key, value) -> {
              if (value.element().isJsonObject()) {
                collect(prefix + key + ".", value, settings);
              } else {
                settings.put(prefix + key, value.display());
              }
            });
  }
}
