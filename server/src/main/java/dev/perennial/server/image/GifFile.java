package dev.perennial.server.image;

import java.util.Arrays;

/**
 * A GIF's first frame, found without decoding, and cut off behind it.
 *
 * @param bytes the file up to the end of the first frame, and a trailer
 * @param width of the screen, which the frame may not fill
 * @param left where the frame lies on the screen
 * @param surround red, green and blue of the screen outside the frame: as in Pillow the transparent
 *     colour, or else the palette's first
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record GifFile(
    byte[] bytes,
    int width,
    int height,
    int left,
    int top,
    int frameWidth,
    int frameHeight,
    byte[] surround) {
  private static final int SCREEN_END = 13;
  private static final int EXTENSION = 0x21;
  private static final int GRAPHIC_CONTROL = 0xf9;
  private static final int IMAGE = 0x2c;
  private static final int TRAILER = 0x3b;
  private static final int IMAGE_DESCRIPTOR_BYTES = 10;

  static GifFile read(byte[] file) {
    int globalPaletteBytes = paletteBytes(file, 10);
    int at = SCREEN_END + globalPaletteBytes;
    int transparent = 0;
    while (unsignedByte(file, at) == EXTENSION) {
      if (unsignedByte(file, at + 1) == GRAPHIC_CONTROL && (unsignedByte(file, at + 3) & 1) != 0) {
        transparent = unsignedByte(file, at + 6);
      }
      at = skipBlocks(file, at + 2);
    }
    if (unsignedByte(file, at) != IMAGE) {
      throw EncodedFault.undecodable("GIF frames: 0 (expected: at least 1)");
    }
    int localPaletteBytes = paletteBytes(file, at + 9);
    int paletteBytes = localPaletteBytes > 0 ? localPaletteBytes : globalPaletteBytes;
    if (paletteBytes == 0) {
      throw EncodedFault.undecodable("GIF palettes: 0 (expected: one of the file or of the frame)");
    }
    int palette = localPaletteBytes > 0 ? at + IMAGE_DESCRIPTOR_BYTES : SCREEN_END;
    int surround = palette + (3 * transparent < paletteBytes ? 3 * transparent : 0);
    int end = skipBlocks(file, at + IMAGE_DESCRIPTOR_BYTES + localPaletteBytes + 1);
    byte[] bytes = Arrays.copyOf(file, end + 1);
    bytes[end] = TRAILER;
    return new GifFile(
        bytes,
        Math.max(unsignedShort(file, 6), unsignedShort(file, at + 1) + unsignedShort(file, at + 5)),
        Math.max(unsignedShort(file, 8), unsignedShort(file, at + 3) + unsignedShort(file, at + 7)),
        unsignedShort(file, at + 1),
        unsignedShort(file, at + 3),
        unsignedShort(file, at + 5),
        unsignedShort(file, at + 7),
        Arrays.copyOfRange(file, surround, surround + 3));
  }

  private static int paletteBytes(byte[] file, int flagsAt) {
    int flags = unsignedByte(file, flagsAt);
    return (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);
  }

  /** Behind the empty block that ends a chain of blocks. */
  private static int skipBlocks(byte[] file, int start) {
    int at = start;
    while (true) {
      int length = unsignedByte(file, at);
      at += 1 + length;
      if (length == 0) {
        return at;
      }
    }
  }

  private static int unsignedShort(byte[] file, int at) {
    return unsignedByte(file, at) | (unsignedByte(file, at + 1) << 8);
  }

  private static int unsignedByte(byte[] file, int at) {
    if (at >= file.length) {
      throw EncodedFault.truncated(
          "GIF file: ends after " + file.length + " bytes, before its first frame does");
    }
    return file[at] & 0xff;
  }
}
