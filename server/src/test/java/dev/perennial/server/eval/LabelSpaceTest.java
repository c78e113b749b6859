package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.perennial.server.clip.LabelSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class LabelSpaceTest {
  @Test
  void of_task_isItsOwnClassesInItsTemplate() {
    LabelSpace space = spaces(LabelSpace.Kind.TASK, 0).get(1);
    assertEquals(List.of("b one", "b two", "both"), space.labels().labels());
    assertEquals("a b both", space.labels().prompts().get(2).text());
    assertArrayEquals(new int[] {0, 1, 2}, space.right());
  }

  /** A class that both have is one answer, with a text in each template. */
  @Test
  void of_union_sharedClassIsOneLabelWithTwoTexts() {
    List<LabelSpace> spaces = spaces(LabelSpace.Kind.UNION, 1);
    LabelSet labels = spaces.get(0).labels();
    assertEquals(List.of("a one", "a two", "both", "b one", "b two"), labels.labels());
    assertEquals(
        List.of("a a a one", "a a a two", "a a both", "a b b one", "a b b two", "a b both"),
        labels.prompts().stream().map(LabelSet.Prompt::text).toList());
    assertEquals(2, labels.prompts().get(5).label());
    assertEquals(labels, spaces.get(1).labels());
    assertArrayEquals(new int[] {0, 1, 2}, spaces.get(0).right());
    assertArrayEquals(new int[] {3, 4, 2}, spaces.get(1).right());
  }

  /** What is not learnt yet is no label, and a picture of it has no right answer. */
  @Test
  void of_known_isWhatIsLearntByThen() {
    List<LabelSpace> one = spaces(LabelSpace.Kind.KNOWN, 1);
    assertEquals(List.of("a one", "a two", "both"), one.get(1).labels().labels());
    assertArrayEquals(new int[] {0, 1, 2}, one.get(0).right());
    assertArrayEquals(new int[] {LabelSpace.NONE, LabelSpace.NONE, 2}, one.get(1).right());
    assertEquals(5, spaces(LabelSpace.Kind.KNOWN, 2).get(0).labels().labels().size());
    try (Bench bench = bench(LabelSpace.Kind.KNOWN)) {
      assertFalse(bench.asks(0));
    }
  }

  private static List<LabelSpace> spaces(LabelSpace.Kind kind, int learnt) {
    try (Bench bench = bench(kind)) {
      return bench.tasks().stream().map(task -> bench.labels(task, learnt)).toList();
    }
  }

  private static Bench bench(LabelSpace.Kind kind) {
    return new Bench(
        Pictures.ENGINE,
        0,
        List.of(Pictures.task("a", 1, 1), Pictures.task("b", 1, 1)),
        kind,
        0,
        RunState.NONE);
  }
}
