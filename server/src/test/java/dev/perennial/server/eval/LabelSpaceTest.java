package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.perennial.server.clip.LabelSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class LabelSpaceTest {
  @Test
  void of_task_isItsOwnClassesInItsTemplate() {
    LabelSpace space = spaces(LabelSpace.Kind.TASK).get(1);
    assertEquals(List.of("b one", "b two", "both"), space.labels().labels());
    assertEquals("a b both", space.labels().prompts().get(2).text());
    assertArrayEquals(new int[] {0, 1, 2}, space.right());
  }

  /** A class that both have is one answer, with a text in each template. */
  @Test
  void of_union_sharedClassIsOneLabelWithTwoTexts() {
    List<LabelSpace> spaces = spaces(LabelSpace.Kind.UNION);
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

  private static List<LabelSpace> spaces(LabelSpace.Kind kind) {
    try (Bench bench =
        new Bench(
            Pictures.ENGINE,
            0,
            List.of(Pictures.task("a", 1, 1), Pictures.task("b", 1, 1)),
            kind,
            0,
            RunState.NONE)) {
      return bench.tasks().stream().map(bench::labels).toList();
    }
  }
}
