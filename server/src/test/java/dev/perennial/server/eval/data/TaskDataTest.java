package dev.perennial.server.eval.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.util.List;
import org.junit.jupiter.api.Test;

class TaskDataTest {
  private static final List<String> CLASSES = List.of("cat", "dog");
  private static final List<LabelledPicture> ONE = List.of(picture(1));

  @Test
  void taskData_partsFit_taken() {
    TaskData task = new TaskData("pets", CLASSES, "a photo of a {}.", ONE, ONE);
    assertEquals(1, task.train().get(0).classIndex());
  }

  @Test
  void taskData_classTwice_refused() {
    ServingException refused =
        refused(() -> new TaskData("pets", List.of("cat", "cat"), "a {}", ONE, ONE));
    assertEquals("CLASS_NAMES", refused.reason());
    assertTrue(String.valueOf(refused.getMessage()).contains("\"cat\""), refused.getMessage());
  }

  @Test
  void taskData_nameThatCannotBeTaught_refused() {
    assertEquals(
        "TASK_NAME", refused(() -> new TaskData("My pets", CLASSES, "a {}", ONE, ONE)).reason());
  }

  @Test
  void taskData_noClasses_refused() {
    assertEquals(
        "NO_CLASSES", refused(() -> new TaskData("pets", List.of(), "a {}", ONE, ONE)).reason());
  }

  @Test
  void taskData_templateWithoutOrWithTwoSlots_refused() {
    for (String template : List.of("a cat", "{} and {}")) {
      assertEquals(
          "TEMPLATE", refused(() -> new TaskData("pets", CLASSES, template, ONE, ONE)).reason());
    }
  }

  @Test
  void taskData_classIndexOutOfRange_saysTheRange() {
    for (int classIndex : new int[] {-1, 2}) {
      ServingException refused =
          refused(() -> new TaskData("pets", CLASSES, "a {}", ONE, List.of(picture(classIndex))));
      assertEquals("CLASS_INDEX", refused.reason());
      assertEquals(
          "class index in pets/test: " + classIndex + " (expected: 0..1)", refused.getMessage());
    }
  }

  @Test
  void taskData_nothingToTeach_refused() {
    assertEquals(
        "NO_PICTURES",
        refused(() -> new TaskData("pets", CLASSES, "a {}", List.of(), ONE)).reason());
  }

  private static LabelledPicture picture(int classIndex) {
    return new LabelledPicture(() -> new byte[0], classIndex);
  }

  private static ServingException refused(org.junit.jupiter.api.function.Executable making) {
    return assertThrows(ServingException.class, making);
  }
}
