package dev.perennial.server.chaos;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.chaos.Lesson.Origin;
import dev.perennial.v1.Classification;
import dev.perennial.v1.LabelScore;
import dev.perennial.v1.TaskEvidence;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;

/**
 * Answers to the same questions by all members. An answer to "everything known" names every class
 * of its epoch, and a class names its lesson: so an answer tells the whole task set that it was
 * computed under. Safe for any thread.
 *
 * <p>Parts of a cluster that are torn apart may use one epoch number for two contents (decision
 * 004); so answers are compared where epoch and task set are the same.
 */
final class AnswerLog {
  /** Probabilities of equal questions under one epoch differ by no more. */
  private static final float TOLERANCE = 1e-5f;

  private record Question(long epoch, Map<String, Integer> lessons, int probe) {}

  private record At(String member, long epoch) {}

  private final Tally tally;

  @GuardedBy("this")
  private final Map<Question, Map<String, Float>> answers = new HashMap<>();

  /** The task sets that a member's answers had under an epoch; since the last {@link #settle}. */
  @GuardedBy("this")
  private final Map<At, Set<Map<String, Integer>>> answered = new HashMap<>();

  /** The versions that a member said the epoch has. */
  @GuardedBy("this")
  private final Map<At, Set<String>> claimed = new HashMap<>();

  @GuardedBy("this")
  private final Map<String, Origin> lessonOfVersion = new HashMap<>();

  AnswerLog(Tally tally) {
    this.tally = tally;
  }

  /** A member says which versions are active from an epoch on. */
  synchronized void claimed(String member, long epoch, Set<String> versionIds) {
    Set<String> before = claimed.put(new At(member, epoch), versionIds);
    if (before != null && !before.equals(versionIds)) {
      tally.found(
          Violation.MIXED_ANSWERS,
          "member " + member + ", epoch " + epoch + ": " + before + " and " + versionIds);
    }
  }

  /** What a version was made of. */
  synchronized void known(String versionId, Origin lesson) {
    Origin before = lessonOfVersion.putIfAbsent(versionId, lesson);
    if (before != null && !before.equals(lesson)) {
      tally.found(
          Violation.MIXED_ANSWERS, "version " + versionId + ": " + before + " and " + lesson);
    }
  }

  /** Returns the lesson of each task that the answer was computed with. */
  synchronized Map<String, Integer> record(String member, int probe, Classification answer) {
    tally.answered();
    Map<String, Integer> lessons = new TreeMap<>();
    Map<String, Float> probabilities = new HashMap<>();
    for (LabelScore score : answer.getScoresList()) {
      Origin origin = Origin.of(score.getLabel());
      Integer before = lessons.putIfAbsent(origin.task(), origin.number());
      if (before != null && before != origin.number()) {
        mixed(member, answer, "lessons " + before + " and " + origin.number() + " of a task");
      }
      probabilities.put(score.getLabel(), score.getProbability());
    }
    if (probabilities.size() != lessons.size() * Lesson.COLOURS.size()) {
      mixed(member, answer, probabilities.size() + " classes of " + lessons.size() + " tasks");
    }
    for (TaskEvidence task : answer.getUnionEvidence().getTasksList()) {
      Integer number = lessons.get(task.getTask());
      if (number == null) {
        mixed(member, answer, "evidence of a task that has no class: " + task.getTask());
      } else {
        known(task.getVersionId(), new Origin(task.getTask(), number));
      }
    }
    answered.computeIfAbsent(new At(member, answer.getEpoch()), at -> new HashSet<>()).add(lessons);
    compare(member, answer, new Question(answer.getEpoch(), lessons, probe), probabilities);
    return lessons;
  }

  @GuardedBy("this")
  private void compare(
      String member, Classification answer, Question question, Map<String, Float> probabilities) {
    Map<String, Float> first = answers.putIfAbsent(question, probabilities);
    if (first == null) {
      return;
    }
    probabilities.forEach(
        (label, probability) -> {
          float other = first.getOrDefault(label, Float.NaN);
          if (!(Math.abs(other - probability) <= TOLERANCE)) {
            mixed(member, answer, label + ": " + probability + " and " + other);
          }
        });
  }

  private void mixed(String member, Classification answer, String what) {
    tally.found(
        Violation.MIXED_ANSWERS, "member " + member + ", epoch " + answer.getEpoch() + ": " + what);
  }

  /** Compares the task sets of answers with what their members said of the epochs. */
  synchronized void settle() {
    answered.forEach(
        (at, sets) -> {
          Set<String> versions = claimed.get(at);
          // The lesson of a version that was never acknowledged, and is gone, is not known.
          if (versions != null && lessonOfVersion.keySet().containsAll(versions)) {
            Map<String, Integer> expected = lessons(versions);
            if (!sets.equals(Set.of(expected))) {
              tally.found(
                  Violation.MIXED_ANSWERS, at + ": answered " + sets + ", said " + expected);
            }
          }
        });
    answered.clear();
    answers.clear();
    claimed.clear();
  }

  @GuardedBy("this")
  private Map<String, Integer> lessons(Set<String> versionIds) {
    Map<String, Integer> lessons = new TreeMap<>();
    for (String id : versionIds) {
      Origin origin = Objects.requireNonNull(lessonOfVersion.get(id), id);
      lessons.put(origin.task(), origin.number());
    }
    return lessons;
  }
}
