package dev.perennial.server.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The size in a BMP file's header, checked for what the JDK's reader should not be given. */
record BmpFile(int width, int height) {
  /** File header and the oldest picture header. */
  private static final int MIN_BYTES = 26;

  private static final int OLD_HEADER_BYTES = 12;
  private static final int MIN_HEADER_BYTES = 40;
  private static final int MAX_HEADER_BYTES = 124;

  /** Plain, RLE8, RLE4, bit masks; 4 and 5 embed a JPEG or PNG, whose size nobody would check. */
  private static final int MAX_COMPRESSION = 3;

  /** Colour space "LINK": the name of a profile on the server's disk. */
  private static final int LINKED_PROFILE = 0x4c49_4e4b;

  static BmpFile read(byte[] file) {
    if (file.length < MIN_BYTES) {
      throw EncodedFault.truncated(
          "BMP file: " + file.length + " bytes (expected: at least " + MIN_BYTES + ")");
    }
    ByteBuffer in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int headerBytes = in.getInt(14);
    if (headerBytes == OLD_HEADER_BYTES) {
      return new BmpFile(in.getShort(18) & 0xffff, in.getShort(20) & 0xffff);
    }
    if (headerBytes < MIN_HEADER_BYTES || headerBytes > MAX_HEADER_BYTES) {
      throw EncodedFault.undecodable(
          "BMP header: " + headerBytes + " bytes (expected: 12 or 40..124)");
    }
    if (file.length < 14 + headerBytes) {
      throw EncodedFault.truncated("BMP file: ends inside its header");
    }
    int compression = in.getInt(30);
    if (compression < 0 || compression > MAX_COMPRESSION) {
      throw EncodedFault.undecodable("BMP compression: " + compression + " (expected: 0..3)");
    }
    if (headerBytes >= 108 && in.getInt(70) == LINKED_PROFILE) {
      throw EncodedFault.undecodable(
          "BMP colour space: a linked profile (expected: none, or one inside)");
    }
    int height = in.getInt(22);
    if (height == Integer.MIN_VALUE) {
      throw EncodedFault.undecodable("BMP height: " + height);
    }
    return new BmpFile(in.getInt(18), Math.abs(height));
  }
}
