package dev.perennial.server.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.v1.Classification;
import dev.perennial.v1.LabelScore;
import dev.perennial.v1.TaskEvidence;
import dev.perennial.v1.UnionEvidence;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Which answers are taken for mixed ones. */
class AnswerLogTest {
  private final Tally tally = new Tally();
  private final AnswerLog answers = new AnswerLog(tally);

  @BeforeEach
  void begin() {
    tally.begin(new Blow(1, Kind.PUBLISH, 0, 0, 0.5));
  }

  /** An answer of one task's lesson, computed with that version. */
  private static Classification.Builder answer(long epoch, int lesson, String version) {
    Classification.Builder answer = Classification.newBuilder().setEpoch(epoch);
    for (String name : new Lesson("cats", lesson, 1).classNames()) {
      answer.addScores(LabelScore.newBuilder().setLabel(name).setProbability(0.3f));
    }
    return answer.setUnionEvidence(
        UnionEvidence.newBuilder()
            .addTasks(TaskEvidence.newBuilder().setTask("cats").setVersionId(version)));
  }

  private void record(String member, Classification.Builder answer) {
    answers.record(member, 0, answer.build());
  }

  private long mixed() {
    ChaosReport report = tally.report(3, 1, Duration.ZERO);
    assertEquals(report.clean(), report.violations(Violation.MIXED_ANSWERS) == 0);
    return report.violations(Violation.MIXED_ANSWERS);
  }

  @Test
  void record_sameAnswersAtAllMembers_fine() {
    answers.claimed("a", 7, Set.of("v"));
    record("a", answer(7, 3, "v"));
    record("b", answer(7, 3, "v"));
    answers.settle();
    assertEquals(0, mixed());
    assertEquals(Map.of("cats", 4), answers.record("a", 0, answer(8, 4, "w").build()));
  }

  @Test
  void record_otherProbabilityUnderOneEpoch_mixed() {
    record("a", answer(7, 3, "v"));
    Classification.Builder other = answer(7, 3, "v");
    other.getScoresBuilder(1).setProbability(0.3f + 5e-6f);
    record("b", other);
    assertEquals(0, mixed());
    other.getScoresBuilder(1).setProbability(0.3f + 2e-5f);
    record("b", other);
    assertEquals(1, mixed());
  }

  @Test
  void record_twoLessonsOfATask_mixed() {
    Classification.Builder answer = answer(7, 3, "v");
    answer.addScores(answer(7, 4, "v").getScores(0));
    record("a", answer);
    assertTrue(mixed() > 0);
  }

  @Test
  void record_classMissing_mixed() {
    Classification.Builder answer = answer(7, 3, "v");
    answer.removeScores(2);
    record("a", answer);
    assertEquals(1, mixed());
  }

  @Test
  void record_branchOfAnotherVersionThanTheTexts_mixed() {
    record("a", answer(7, 3, "v"));
    record("a", answer(8, 4, "v"));
    assertEquals(1, mixed());
  }

  @Test
  void record_branchOfATaskWithoutTexts_mixed() {
    Classification.Builder answer = answer(7, 3, "v");
    answer.getUnionEvidenceBuilder().getTasksBuilder(0).setTask("dogs");
    record("a", answer);
    assertEquals(1, mixed());
  }

  @Test
  void settle_answerOfOtherTasksThanItsMemberSaid_mixed() {
    answers.known("w", new Lesson.Origin("cats", 4));
    answers.claimed("a", 7, Set.of("w"));
    record("b", answer(7, 3, "v")); // b has said nothing of it
    record("a", answer(7, 3, "v"));
    answers.settle();
    assertEquals(1, mixed());
  }

  @Test
  void claimed_twoContentsOfOneEpoch_mixed() {
    answers.claimed("a", 7, Set.of("v"));
    answers.claimed("a", 7, Set.of("v"));
    answers.claimed("b", 7, Set.of("w"));
    assertEquals(0, mixed());
    answers.claimed("a", 7, Set.of("w"));
    assertEquals(1, mixed());
  }
}
