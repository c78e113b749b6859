package dev.perennial.server.image;

/**
 * Decodes JPEG, PNG, GIF and BMP within limits. Stateless but for its limits; safe for any thread.
 */
public final class ImageDecoder {
  /** Longest edge and pixel count that are decoded; larger pictures are refused before decoding. */
  public record Limits(int maxEdge, long maxPixels) {
    public static final Limits DEFAULT = new Limits(16_384, 64_000_000L);
  }

  public ImageDecoder(Limits limits) {
    throw new UnsupportedOperationException();
  }

  /**
   * Throws INVALID_ARGUMENT (field {@code image.encoded}) for anything that is not one whole
   * picture.
   */
  public RgbImage decode(byte[] encoded) {
    throw new UnsupportedOperationException();
  }
}
