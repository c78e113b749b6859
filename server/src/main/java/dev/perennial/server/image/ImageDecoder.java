package dev.perennial.server.image;

import dev.perennial.server.error.ServingException;
import java.awt.image.BufferedImage;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;
import javax.imageio.stream.ImageInputStream;
import javax.imageio.stream.MemoryCacheImageInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Decodes JPEG, PNG, GIF and BMP within limits, to what Pillow's {@code
 * Image.open(f).convert("RGB")} gives. Stateless but for its limits; safe for any thread.
 *
 * <p>A file's structure is walked first (cheap, no decoding): its size is known and refused before
 * anything of that size is allocated, and a file that is cut off is refused, where the JDK's
 * readers would fill in grey. Only then the JDK's reader sees it, without the parts that do not
 * matter. Like Pillow, an EXIF orientation is ignored, alpha is dropped, colour profiles are not
 * applied, and of an animation the first frame counts. Bytes after the picture's end is ignored.
 *
 * <p>Memory while decoding: up to about 16 bytes a pixel (16-bit PNG; progressive JPEG). All
 * threads that decode share a bound on it: a picture for which there is no room waits until others
 * are done; one that is larger than the bound is decoded alone.
 */
public final class ImageDecoder {
  /** Longest edge and pixel count that are decoded; larger pictures are refused before decoding. */
  public record Limits(int maxEdge, long maxPixels) {
    public static final Limits DEFAULT = new Limits(16_384, 64_000_000L);

    /** The most that an array of RGB bytes holds. */
    private static final long MAX_PIXELS = Integer.MAX_VALUE / 3 - 8;

    /** Throws IllegalArgumentException out of range. */
    public Limits {
      if (maxEdge < 1 || maxPixels < 1 || maxPixels > MAX_PIXELS) {
        throw new IllegalArgumentException(
            "limits: "
                + maxEdge
                + ", "
                + maxPixels
                + " (expected: at least 1, at most "
                + MAX_PIXELS
                + " pixels)");
      }
    }
  }

  /** What a pixel takes at worst while it is decoded. */
  private static final int BYTES_PER_PIXEL = 16;

  /** Of the heap: the rest is for pixels that wait for a device, and for everything else. */
  private static final double HEAP_SHARE = 0.25;

  private final Limits limits;

  /** Pixels that may be decoded at the same time. */
  private final int maxPixelsAtOnce;

  private final Semaphore room;

  public ImageDecoder(Limits limits) {
    this(limits, (long) (HEAP_SHARE * Runtime.getRuntime().maxMemory()));
  }

  /**
   * The same with another bound.
   *
   * @param maxBytes memory of all pictures that are decoded at the same time
   */
  ImageDecoder(Limits limits, long maxBytes) {
    this.limits = limits;
    this.maxPixelsAtOnce =
        (int) Math.max(1, Math.min(Integer.MAX_VALUE, maxBytes / BYTES_PER_PIXEL));
    this.room = new Semaphore(maxPixelsAtOnce, true);
  }

  /**
   * Throws INVALID_ARGUMENT (field {@code image.encoded}) for anything that is not one whole
   * picture. May wait for other threads' pictures.
   */
  public RgbImage decode(byte[] encoded) {
    if (startsWith(encoded, 0xff, 0xd8, 0xff)) {
      JpegFile file = JpegFile.read(encoded);
      return sized(file.width(), file.height(), () -> jpeg(file));
    }
    if (encoded.length >= PngFile.SIGNATURE.length
        && Arrays.equals(
            encoded, 0, PngFile.SIGNATURE.length, PngFile.SIGNATURE, 0, PngFile.SIGNATURE.length)) {
      PngFile file = PngFile.read(encoded);
      return sized(
          file.width(),
          file.height(),
          () -> whole("PNG", file.bytes(), file.width(), file.height()));
    }
    if (startsWith(encoded, 'G', 'I', 'F', '8')) {
      GifFile file = GifFile.read(encoded);
      return sized(file.width(), file.height(), () -> gif(file));
    }
    if (startsWith(encoded, 'B', 'M')) {
      BmpFile file = BmpFile.read(encoded);
      return sized(
          file.width(), file.height(), () -> whole("BMP", encoded, file.width(), file.height()));
    }
    throw EncodedFault.undecodable(
        "image of " + encoded.length + " bytes: unknown format (expected: JPEG, PNG, GIF or BMP)");
  }

  private static boolean startsWith(byte[] bytes, int... start) {
    if (bytes.length < start.length) {
      return false;
    }
    for (int i = 0; i < start.length; i++) {
      if ((bytes[i] & 0xff) != start[i]) {
        return false;
      }
    }
    return true;
  }

  private RgbImage sized(int width, int height, Supplier<RgbImage> decoding) {
    checkSize(width, height);
    return inRoom(width, height, decoding);
  }

  /** Decodes once there is room for so many pixels. */
  RgbImage inRoom(int width, int height, Supplier<RgbImage> decoding) {
    int pixels = (int) Math.min(maxPixelsAtOnce, (long) width * height);
    room.acquireUninterruptibly(pixels);
    try {
      return decoding.get();
    } finally {
      room.release(pixels);
    }
  }

  /** Pixels that could be decoded beside those of now. */
  int freePixels() {
    return room.availablePermits();
  }

  /** Threads that wait for room, about. */
  int waiting() {
    return room.getQueueLength();
  }

  private void checkSize(int width, int height) {
    if (width < 1 || height < 1) {
      throw EncodedFault.undecodable(
          "size of the image: " + width + " x " + height + " (expected: at least 1 x 1)");
    }
    if (Math.max(width, height) > limits.maxEdge || (long) width * height > limits.maxPixels) {
      throw EncodedFault.tooLarge(
          "size of the image: "
              + width
              + " x "
              + height
              + " (expected: edges of at most "
              + limits.maxEdge
              + ", "
              + limits.maxPixels
              + " pixels)");
    }
  }

  private RgbImage jpeg(JpegFile file) {
    if (file.components() < 4) {
      return whole("JPEG", file.bytes(), file.width(), file.height());
    }
    byte[] rgb =
        read(
            "JPEG",
            file.bytes(),
            (reader, options) -> Rasters.inks(reader.readRaster(0, options), file.inkLuma()));
    return new RgbImage(file.width(), file.height(), rgb);
  }

  private RgbImage whole(String format, byte[] bytes, int width, int height) {
    return new RgbImage(
        width,
        height,
        read(format, bytes, (reader, options) -> picture(reader, options, width, height)));
  }

  private static byte[] picture(ImageReader reader, ImageReadParam options, int width, int height)
      throws IOException {
    BufferedImage image = reader.read(0, options);
    if (image.getWidth() != width || image.getHeight() != height) {
      throw EncodedFault.undecodable(
          "size of the image: "
              + image.getWidth()
              + " x "
              + image.getHeight()
              + " (expected: "
              + width
              + " x "
              + height
              + " as in its header)");
    }
    Raster raster = image.getRaster();
    return Rasters.decoded(raster, image.getColorModel());
  }

  /** The frame on its screen. */
  private RgbImage gif(GifFile file) {
    RgbImage frame = whole("GIF", file.bytes(), file.frameWidth(), file.frameHeight());
    if (frame.width() == file.width() && frame.height() == file.height()) {
      return frame;
    }
    byte[] screen = new byte[3 * file.width() * file.height()];
    for (int i = 0; i < screen.length; i++) {
      screen[i] = file.surround()[i % 3];
    }
    for (int y = 0; y < frame.height(); y++) {
      int to = 3 * ((file.top() + y) * file.width() + file.left());
      System.arraycopy(frame.rgb(), 3 * y * frame.width(), screen, to, 3 * frame.width());
    }
    return new RgbImage(file.width(), file.height(), screen);
  }

  /** What a reader of the JDK is asked for. */
  private interface Reading {
    byte[] read(ImageReader reader, ImageReadParam options) throws IOException;
  }

  private static byte[] read(String format, byte[] bytes, Reading reading) {
    Iterator<ImageReader> readers =
        ImageIO.getImageReadersByFormatName(format.toLowerCase(Locale.ROOT));
    ImageReader reader = readers.next();
    Warnings warnings = new Warnings();
    // In memory: never ImageIO's cache files.
    try (ImageInputStream in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.addIIOReadWarningListener(warnings);
      reader.setInput(in, true, true);
      byte[] rgb = reading.read(reader, reader.getDefaultReadParam());
      if (warnings.serious != null) {
        throw EncodedFault.truncated(
            format + " image: " + warnings.serious + " (expected: a whole picture)");
      }
      return rgb;
    } catch (ServingException e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      // The readers throw all kinds of exceptions at damaged files; none says more than "damaged".
      throw EncodedFault.reader(format, e);
    } finally {
      reader.dispose();
    }
  }

  /** Hears the only sign of pixels that a reader made up. */
  private static final class Warnings implements IIOReadWarningListener {
    /** libjpeg's harmless complaint about bytes between a scan and the next marker. */
    private static final String PADDING = "extraneous bytes before marker";

    private @Nullable String serious;

    @Override
    public void warningOccurred(ImageReader source, String warning) {
      if (!warning.contains(PADDING)) {
        serious = warning;
      }
    }
  }
}
