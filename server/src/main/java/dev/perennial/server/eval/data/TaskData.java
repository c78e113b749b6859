package dev.perennial.server.eval.data;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * One task: its classes, how to say them, what is taught and what is asked. Immutable.
 *
 * @param name what the task is called when it is taught: a-z, 0-9, '-' and '_', from a letter on
 * @param classNames in label order; no two are equal
 * @param template the sentence around a class name, with "{}" once
 * @param train in the order in which it is taught, at least one picture
 * @param test at least one picture
 */
public record TaskData(
    String name,
    List<String> classNames,
    String template,
    List<LabelledPicture> train,
    List<LabelledPicture> test) {
  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_-]{0,62}");
  private static final String SLOT = "{}";

  /** Throws FAILED_PRECONDITION where the parts do not fit each other. */
  public TaskData {
    classNames = List.copyOf(classNames);
    train = List.copyOf(train);
    test = List.copyOf(test);
    requireName(name);
    requireClasses(name, classNames);
    requireTemplate(name, template);
    requirePictures(name, "train", train, classNames.size());
    requirePictures(name, "test", test, classNames.size());
  }

  private static void requireName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw wrong(
          "TASK_NAME",
          "task: " + name + " (expected: 1 to 63 of a-z, 0-9, '-', '_', starting with a letter)");
    }
  }

  private static void requireClasses(String name, List<String> classNames) {
    if (classNames.isEmpty()) {
      throw wrong("NO_CLASSES", "classes of " + name + ": 0 (expected: at least 1)");
    }
    Set<String> seen = new HashSet<>();
    for (String className : classNames) {
      if (className.isBlank() || !seen.add(className)) {
        throw wrong(
            "CLASS_NAMES",
            "classes of " + name + ": \"" + className + "\" (expected: names, each once)");
      }
    }
  }

  private static void requireTemplate(String name, String template) {
    int slot = template.indexOf(SLOT);
    if (slot < 0 || template.indexOf(SLOT, slot + SLOT.length()) >= 0) {
      throw wrong("TEMPLATE", "template of " + name + ": " + template + " (expected: {} once)");
    }
  }

  private static void requirePictures(
      String name, String split, List<LabelledPicture> pictures, int classes) {
    if (pictures.isEmpty()) {
      throw wrong("NO_PICTURES", split + " pictures of " + name + ": 0 (expected: at least 1)");
    }
    for (LabelledPicture picture : pictures) {
      if (picture.classIndex() < 0 || picture.classIndex() >= classes) {
        throw wrong(
            "CLASS_INDEX",
            "class index in "
                + name
                + "/"
                + split
                + ": "
                + picture.classIndex()
                + " (expected: 0.."
                + (classes - 1)
                + ")");
      }
    }
  }

  private static ServingException wrong(String reason, String message) {
    return new ServingException(ErrorCode.FAILED_PRECONDITION, reason, message);
  }
}
