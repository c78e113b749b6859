package dev.perennial.server.training;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What an upload's examples must keep to. */
final class UploadRules {

  private UploadRules() {}

  /**
   * @param classes the spec's; empty where the labels make the classes
   */
  static void checkLabel(String label, Set<String> classes) {
    String fault = SpecRules.labelFault(label);
    if (fault != null) {
      throw ServingException.invalid("BAD_LABEL", "example.label", "label: " + fault);
    }
    if (!classes.isEmpty() && !classes.contains(label)) {
      throw ServingException.invalid(
          "UNKNOWN_LABEL",
          "example.label",
          "label: "
              + ServingException.quoted(label)
              + " (expected: one of the spec's class names)");
    }
  }

  /** A record is one array. */
  static void checkSize(long bytes) {
    if (bytes > SpoolRecord.MAX_BODY_BYTES) {
      throw ServingException.invalid(
          "IMAGE_TOO_LARGE", "example.image", "image: " + bytes + " bytes (expected: below 2 GiB)");
    }
  }

  /** Where the labels make the classes, there is a bound of these; null within it. */
  static @Nullable ServingException tooManyLabels(Map<String, Integer> examplesOf, String label) {
    if (examplesOf.size() < SpecRules.MAX_CLASSES || examplesOf.containsKey(label)) {
      return null;
    }
    return ServingException.invalid(
        "TOO_MANY_LABELS",
        "example.label",
        "labels: "
            + (SpecRules.MAX_CLASSES + 1)
            + " (expected: at most "
            + SpecRules.MAX_CLASSES
            + ")");
  }

  /** A bound of the upload as a whole is hit; no other try can help. */
  static ServingException full(String what, long value, long most) {
    return new ServingException(
        ErrorCode.RESOURCE_EXHAUSTED,
        "UPLOAD_TOO_LARGE",
        what + ": " + value + " (expected: at most " + most + ")");
  }

  /** Another server has it. */
  static ServingException moved() {
    return ServingException.unavailable(
        "UPLOAD_MOVED",
        "upload: another server's (expected: resumed, at any)",
        Duration.ofSeconds(1));
  }
}
