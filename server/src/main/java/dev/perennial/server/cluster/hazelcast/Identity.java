package dev.perennial.server.cluster.hazelcast;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.Map;

/**
 * What members must have in common: the backbone, the format of what they say to each other, and
 * the software's version up to its second number. Immutable.
 *
 * @param fingerprint SHA-256 over the backbone's weights, in hexadecimal
 * @param software {@code 1.2.3}, or empty where this build has none
 */
public record Identity(String fingerprint, String software, int format) {
  private static final String FINGERPRINT = "perennial.fingerprint";
  private static final String SOFTWARE = "perennial.software";
  private static final String FORMAT = "perennial.format";

  Map<String, String> attributes() {
    return Map.of(FINGERPRINT, fingerprint, SOFTWARE, software, FORMAT, Integer.toString(format));
  }

  boolean fits(Map<String, String> attributes) {
    return fingerprint.equals(attributes.get(FINGERPRINT))
        && Integer.toString(format).equals(attributes.get(FORMAT))
        && sameMinor(attributes.getOrDefault(SOFTWARE, ""));
  }

  /** Throws FAILED_PRECONDITION that names both sides. */
  void requireFits(String member, Map<String, String> attributes) {
    String theirs = attributes.getOrDefault(FINGERPRINT, "none");
    if (!theirs.equals(fingerprint)) {
      throw refused(
          "BACKBONE_MISMATCH",
          "backbone fingerprint",
          fingerprint,
          theirs + ", as member " + member);
    }
    String theirFormat = attributes.getOrDefault(FORMAT, "none");
    if (!theirFormat.equals(Integer.toString(format))) {
      throw refused("FORMAT_MISMATCH", "cluster format", Integer.toString(format), theirFormat);
    }
    String theirSoftware = attributes.getOrDefault(SOFTWARE, "");
    if (!sameMinor(theirSoftware)) {
      throw refused(
          "VERSION_MISMATCH",
          "software version",
          software,
          theirSoftware + " up to its second number, as member " + member);
    }
  }

  private boolean sameMinor(String other) {
    return software.isEmpty() || other.isEmpty() || minor(software).equals(minor(other));
  }

  private static String minor(String version) {
    String[] parts = version.split("\\.", 3);
    return parts.length < 2 ? version : parts[0] + "." + parts[1];
  }

  private static ServingException refused(
      String reason, String what, String ours, String expected) {
    return new ServingException(
        ErrorCode.FAILED_PRECONDITION,
        reason,
        "join refused, " + what + ": " + ours + " (expected: " + expected + ")");
  }
}
