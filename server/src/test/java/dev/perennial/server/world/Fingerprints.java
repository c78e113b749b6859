package dev.perennial.server.world;

import dev.perennial.server.image.RgbImage;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;

/** Short names for exact pictures: the first eight bytes of a SHA-256. */
final class Fingerprints {
  private Fingerprints() {}

  static String of(List<RgbImage> images) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      images.forEach(image -> digest.update(image.rgb()));
      return HexFormat.of().formatHex(digest.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every JDK has it
    }
  }
}
