package dev.perennial.server.eval.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class HalvedSuiteTest {
  private final Suite whole = new MiniMtilSuite(1);
  private final Suite halves = new HalvedSuite(whole);

  @Test
  void task_bothHalves_areTheWholeTask() throws IOException {
    TaskData task = whole.task("textures", 2, 3);
    TaskData first = halves.task("textures-1", 2, 3);
    TaskData second = halves.task("textures-2", 2, 3);
    List<String> names = new ArrayList<>(first.classNames());
    assertEquals(5, names.size()); // of 11
    names.addAll(second.classNames());
    assertEquals(task.classNames(), names);
    assertEquals(task.template(), second.template());
    assertEquals(task.train().size(), first.train().size() + second.train().size());
    assertEquals(task.test().size(), first.test().size() + second.test().size());
    LabelledPicture seventh = task.train().get(7);
    LabelledPicture its = second.train().get(2); // classes 5 and 6 are before it
    assertEquals(seventh.classIndex(), its.classIndex() + 5);
    assertArrayEquals(seventh.picture().encoded(), its.picture().encoded());
  }

  @Test
  void tasks_ofMiniMtil_twoOfEachDomain() {
    assertEquals("mini-mtil-halves", halves.name());
    assertEquals(14, halves.tasks().size());
    assertEquals(List.of("sketch-1", "sketch-2"), halves.tasks().subList(0, 2));
    ServingException e = assertThrows(ServingException.class, () -> halves.task("sketch", 2, 3));
    assertEquals("UNKNOWN_TASK", e.reason());
  }
}
