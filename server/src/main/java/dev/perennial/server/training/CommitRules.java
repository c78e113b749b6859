package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What is decided once all examples are there: the classes where the spec names none, and the
 * epochs where the recipe goes by the number of examples.
 *
 * <p>Every class needs an example: one without would be pushed away from all images and could never
 * be answered again. One is enough; such a class is trained on and not validated.
 */
final class CommitRules {

  private static final int NAMED_IN_MESSAGE = 10;

  private CommitRules() {}

  /**
   * @param examplesOf number of examples by label, sorted
   * @throws ServingException INVALID_ARGUMENT
   */
  static TrainingSpec decide(TrainingSpec spec, Map<String, Integer> examplesOf) {
    if (spec.statisticsOnly()) {
      return decideStatistics(spec, examplesOf);
    }
    List<String> classes = spec.classNames();
    if (classes.isEmpty()) {
      classes = new ArrayList<>(examplesOf.keySet());
      SpecRules.checkClassCount(classes.size());
    } else {
      checkNoneIsEmpty(classes, examplesOf);
    }
    int epochs = spec.epochs();
    if (epochs == 0) {
      long held =
          examplesOf.values().stream()
              .mapToLong(count -> Split.heldOut(count, spec.validationShare()))
              .sum();
      long all = examplesOf.values().stream().mapToLong(count -> count).sum();
      epochs = spec.recipe().epochs(all - held, spec.batchSize());
    }
    return spec.decided(classes, epochs);
  }

  /** The classes that have examples: a contribution has nothing to say of others. */
  private static TrainingSpec decideStatistics(TrainingSpec spec, Map<String, Integer> examplesOf) {
    if (examplesOf.isEmpty()) {
      throw ServingException.invalid(
          "NO_EXAMPLES", "example", "examples: 0 (expected: at least 1)");
    }
    return spec.decided(List.copyOf(new TreeSet<>(examplesOf.keySet())), 1);
  }

  private static void checkNoneIsEmpty(List<String> classes, Map<String, Integer> examplesOf) {
    List<String> empty = classes.stream().filter(name -> !examplesOf.containsKey(name)).toList();
    if (!empty.isEmpty()) {
      String names =
          empty.stream()
              .limit(NAMED_IN_MESSAGE)
              .map(ServingException::quoted)
              .collect(Collectors.joining(", "));
      throw ServingException.invalid(
          "CLASSES_WITHOUT_EXAMPLES",
          "spec.class_names",
          "classes without examples: "
              + empty.size()
              + " ("
              + names
              + (empty.size() > NAMED_IN_MESSAGE ? ", ..." : "")
              + ") (expected: 0)");
    }
  }

  /** What a whole upload becomes. */
  static TrainingJob newJob(SpooledUpload upload, Instant created) {
    return new TrainingJob(
        upload.id(),
        decide(upload.spec(), upload.examplesOf()),
        JobState.QUEUED,
        TrainingJob.Progress.NONE,
        upload.accepted(),
        null,
        0,
        null,
        created,
        null);
  }
}
