package dev.perennial.server.task;

import static dev.perennial.server.task.Checks.require;

import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.HeadConstants;
import java.time.Instant;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * One immutable result of training. Its id is the SHA-256 of its safetensors bytes (see {@link
 * TaskVersionFile}). Safe for any thread.
 *
 * @param task its domain's name: 1 to 63 of a-z, 0-9, '-', '_', starting with a letter
 * @param classNames distinct, not blank, 1 to {@value #MAX_CLASSES}; class k of the statistics
 * @param template the sentence around a class name; see {@link Template}
 * @param options the hyper-parameters, every default filled in, by name; in name order
 * @param metrics what training measured, by name (accuracies in [0, 1]); finite; in name order
 * @param backboneFingerprint SHA-256 over the weights of the model that it was trained on
 */
public record TaskVersion(
    String task,
    List<String> classNames,
    String template,
    Prefixes prefixes,
    FeatureStatistics statistics,
    GateConstants gate,
    HeadConstants head,
    Map<String, String> options,
    Map<String, Double> metrics,
    long seed,
    String backboneFingerprint,
    Instant created)
    implements PoolFile {
  /** Most classes of one task. */
  public static final int MAX_CLASSES = 10_000;

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_-]{0,62}");

  /** Throws IllegalArgumentException that names what does not fit. */
  public TaskVersion {
    classNames = List.copyOf(classNames);
    options = Collections.unmodifiableMap(new TreeMap<>(options));
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
    require(isName(task), "task", task, "1 to 63 of a-z 0-9 - _, a letter first");
    requireClassNames(classNames);
    require(Template.isTemplate(template), "template", template, "{} once");
    require(
        statistics.classes() == classNames.size(),
        "classes of the statistics",
        statistics.classes(),
        classNames.size());
    require(statistics.count() > 0, "examples", statistics.count(), "at least 1");
    for (Map.Entry<String, Double> metric : metrics.entrySet()) {
      require(
          Double.isFinite(metric.getValue()),
          "metric " + metric.getKey(),
          metric.getValue(),
          "finite");
    }
    require(!backboneFingerprint.isBlank(), "backbone fingerprint", "blank", "a SHA-256");
  }

  /** Whether a task may be called so: 1 to 63 of a-z, 0-9, - and _, a letter first. */
  public static boolean isName(String text) {
    return NAME.matcher(text).matches();
  }

  private static void requireClassNames(List<String> classNames) {
    int size = classNames.size();
    require(size >= 1 && size <= MAX_CLASSES, "class names", size, "1.." + MAX_CLASSES);
    Set<String> seen = new HashSet<>();
    for (String name : classNames) {
      require(!name.isBlank(), "class name", "blank", "some text");
      require(seen.add(name), "class name", name, "only once");
    }
  }
}
