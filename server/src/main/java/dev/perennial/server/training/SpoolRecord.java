package dev.perennial.server.training;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.RgbImage;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * One example as bytes of a spool: {@code length, CRC32C} (of the body, big-endian ints), then the
 * body: {@code kind, label length (short), label (UTF-8)}, for raw pixels {@code width, height},
 * then the image's bytes (floats little-endian). The body of a rejected example is its kind alone.
 */
@SuppressWarnings("ArrayRecordComponent") // read, decoded and dropped
record SpoolRecord(byte[] body, int checksum) {

  /** Length and checksum. */
  static final int HEADER_BYTES = 8;

  /** A body is one array. */
  static final int MAX_BODY_BYTES = Integer.MAX_VALUE - 64;

  private static final byte ENCODED = 0;
  private static final byte RAW = 1;
  private static final byte PIXELS = 2;
  private static final byte REJECTION = 3;

  /** Bytes that {@link #rejection} takes, header included. */
  static final int REJECTION_BYTES = HEADER_BYTES + 1;

  /** Bytes that an example takes, header included. */
  static long size(ExampleImage image, String label) {
    long bytes = HEADER_BYTES + 3L + label.getBytes(UTF_8).length;
    if (image instanceof ExampleImage.Encoded encoded) {
      return bytes + encoded.bytes().length;
    } else if (image instanceof ExampleImage.Raw raw) {
      return bytes + 8 + raw.image().rgb().length;
    } else if (image instanceof ExampleImage.Pixels pixels) {
      return bytes + 4L * pixels.values().length;
    }
    throw new AssertionError(image);
  }

  /** The whole record, ready to be written. */
  static ByteBuffer encode(ExampleImage image, String label) {
    ByteBuffer record = ByteBuffer.allocate(Math.toIntExact(size(image, label)));
    byte[] text = label.getBytes(UTF_8);
    record.position(HEADER_BYTES);
    if (image instanceof ExampleImage.Encoded encoded) {
      record.put(ENCODED).putShort((short) text.length).put(text).put(encoded.bytes());
    } else if (image instanceof ExampleImage.Raw raw) {
      record.put(RAW).putShort((short) text.length).put(text);
      record.putInt(raw.image().width()).putInt(raw.image().height()).put(raw.image().rgb());
    } else if (image instanceof ExampleImage.Pixels pixels) {
      record.put(PIXELS).putShort((short) text.length).put(text);
      record.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(pixels.values());
    }
    int length = record.capacity() - HEADER_BYTES;
    record.putInt(0, length).putInt(4, checksum(record.array(), HEADER_BYTES, length));
    return record.clear();
  }

  /**
   * Stands for an example that cannot be used, so that an upload that goes on knows how many of its
   * examples were dealt with.
   */
  static ByteBuffer rejection() {
    ByteBuffer record = ByteBuffer.allocate(REJECTION_BYTES).put(HEADER_BYTES, REJECTION);
    return record.putInt(0, 1).putInt(4, checksum(record.array(), HEADER_BYTES, 1)).clear();
  }

  /** Bytes that it takes, header included. */
  long bytes() {
    return HEADER_BYTES + (long) body.length;
  }

  /** Null where the example was rejected; throws DATA_LOSS. */
  @Nullable Example example() {
    if (checksum(body, 0, body.length) != checksum) {
      throw damaged("checksum differs");
    }
    try {
      ByteBuffer content = ByteBuffer.wrap(body);
      byte kind = content.get();
      if (kind == REJECTION) {
        return null;
      }
      byte[] text = new byte[Short.toUnsignedInt(content.getShort())];
      content.get(text);
      return new Example(image(kind, content), new String(text, UTF_8));
    } catch (java.nio.BufferUnderflowException e) {
      throw damaged("too short");
    }
  }

  private static ExampleImage image(byte kind, ByteBuffer body) {
    switch (kind) {
      case ENCODED -> {
        return new ExampleImage.Encoded(rest(body));
      }
      case RAW -> {
        int width = body.getInt();
        int height = body.getInt();
        return new ExampleImage.Raw(new RgbImage(width, height, rest(body)));
      }
      case PIXELS -> {
        float[] values = new float[body.remaining() / Float.BYTES];
        body.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return new ExampleImage.Pixels(values);
      }
      default -> throw damaged("kind " + kind);
    }
  }

  private static byte[] rest(ByteBuffer body) {
    byte[] bytes = new byte[body.remaining()];
    body.get(bytes);
    return bytes;
  }

  private static int checksum(byte[] bytes, int offset, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, offset, length);
    return (int) crc.getValue();
  }

  static ServingException damaged(String what) {
    return new ServingException(ErrorCode.DATA_LOSS, "SPOOL_DAMAGED", "spooled example: " + what);
  }
}
