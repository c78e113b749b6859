package dev.perennial.server.image;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Set;
import java.util.zip.CRC32;

/**
 * A PNG file's chunks, walked without decoding; their checksums hold and the file is whole.
 *
 * @param bytes the file with nothing but header, palette, pixels and end: transparency, gamma,
 *     profiles and texts are not used, so the decoder need not see them
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record PngFile(byte[] bytes, int width, int height) {
  static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

  /** Length, type and checksum around a chunk's data. */
  private static final int FRAME_BYTES = 12;

  private static final int HEADER_DATA_BYTES = 13;
  private static final Set<String> KEPT = Set.of("IHDR", "PLTE", "IDAT", "IEND");

  static PngFile read(byte[] file) {
    ByteBuffer in = ByteBuffer.wrap(file);
    ByteArrayOutputStream kept = new ByteArrayOutputStream(file.length);
    kept.write(file, 0, SIGNATURE.length);
    int width = 0;
    int height = 0;
    int at = SIGNATURE.length;
    while (true) {
      if (file.length - at < FRAME_BYTES) {
        throw EncodedFault.truncated(
            "PNG file: no end chunk in " + file.length + " bytes (expected: one)");
      }
      int length = in.getInt(at);
      String type = new String(file, at + 4, 4, StandardCharsets.ISO_8859_1);
      if (length < 0) {
        throw EncodedFault.undecodable(
            "PNG chunk: " + Integer.toUnsignedString(length) + " bytes (expected: below 2^31)");
      }
      if (length > file.length - at - FRAME_BYTES) {
        throw EncodedFault.truncated("PNG file: ends inside a chunk of " + length + " bytes");
      }
      boolean first = at == SIGNATURE.length;
      if (first != type.equals("IHDR") || (first && length != HEADER_DATA_BYTES)) {
        throw EncodedFault.undecodable(
            "PNG header: absent, repeated or damaged (expected: one, first)");
      }
      checkSum(file, at, length, in.getInt(at + 8 + length));
      if (first) {
        width = in.getInt(at + 8);
        height = in.getInt(at + 12);
      }
      if (KEPT.contains(type)) {
        kept.write(file, at, length + FRAME_BYTES);
      } else if (Character.isUpperCase(type.charAt(0))) {
        throw EncodedFault.undecodable(
            "PNG chunk: a critical one of unknown type (expected: " + KEPT + ")");
      }
      at += length + FRAME_BYTES;
      if (type.equals("IEND")) {
        return new PngFile(kept.toByteArray(), width, height);
      }
    }
  }

  private static void checkSum(byte[] file, int at, int length, int expected) {
    CRC32 sum = new CRC32();
    sum.update(file, at + 4, length + 4);
    if ((int) sum.getValue() != expected) {
      throw EncodedFault.undecodable("PNG chunk at byte " + at + ": wrong checksum");
    }
  }
}
