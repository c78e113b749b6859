package dev.perennial.server.image;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * A JPEG file's structure, walked without decoding, and the file rewritten so that the JDK sees the
 * colours that libjpeg (and so Pillow) sees.
 *
 * <p>The JDK's reader guesses: it takes a file without JFIF marker whose channels are not
 * subsampled for RGB, and it converts colours by an embedded profile. libjpeg looks at the JFIF
 * marker, then at Adobe's, then at the component ids, and converts nothing. So all application
 * segments are left out, and one marker that says what libjpeg would conclude is put in.
 *
 * @param bytes the rewritten file
 * @param components 1, 3 or 4
 * @param inkLuma whether four components are YCCK, not CMYK
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record JpegFile(byte[] bytes, int width, int height, int components, boolean inkLuma) {
  /**
   * Passes over the picture. Ten is usual for a progressive file; each costs a walk over all
   * coefficients, so that a small file with thousands would cost minutes.
   */
  static final int MAX_SCANS = 64;

  private static final byte[] JFIF = {
    (byte) 0xff, (byte) 0xe0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0
  };
  private static final byte[] ADOBE = {
    (byte) 0xff, (byte) 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0
  };

  private static final int START_OF_IMAGE = 0xd8;
  private static final int END_OF_IMAGE = 0xd9;
  private static final int START_OF_SCAN = 0xda;
  private static final int APPLICATION_0 = 0xe0;
  private static final int APPLICATION_14 = 0xee;
  private static final int APPLICATION_15 = 0xef;
  private static final int COMMENT = 0xfe;

  static JpegFile read(byte[] file) {
    return new Walk(file).run();
  }

  private static final class Walk {
    private final byte[] file;
    private final ByteArrayOutputStream kept;
    private int at = 2;
    private int width;
    private int height;
    private int scans;
    private int[] componentIds = {};
    private boolean jfif;

    /** Adobe's transform code; -1 without such a marker. */
    private int adobe = -1;

    Walk(byte[] file) {
      this.file = file;
      this.kept = new ByteArrayOutputStream(file.length + JFIF.length);
    }

    JpegFile run() {
      while (true) {
        int marker = nextMarker();
        if (marker == END_OF_IMAGE) {
          break;
        }
        if (marker == START_OF_IMAGE) {
          throw EncodedFault.undecodable("JPEG marker: a second start (expected: one)");
        }
        if ((marker >= 0xd0 && marker <= 0xd7) || marker == 0x01) {
          continue; // stands alone, means nothing here
        }
        segment(marker);
      }
      if (scans == 0 || componentIds.length == 0) {
        throw EncodedFault.undecodable("JPEG scans: 0 (expected: a frame and at least one scan)");
      }
      ByteArrayOutputStream out = new ByteArrayOutputStream(kept.size() + JFIF.length + 4);
      out.write(0xff);
      out.write(START_OF_IMAGE);
      byte[] marker = colourMarker();
      out.write(marker, 0, marker.length);
      out.writeBytes(kept.toByteArray());
      out.write(0xff);
      out.write(END_OF_IMAGE);
      return new JpegFile(
          out.toByteArray(),
          width,
          height,
          componentIds.length,
          componentIds.length == 4 && inkLuma());
    }

    /** Skips fill bytes; stray bytes between segments too, as libjpeg does. */
    private int nextMarker() {
      while (true) {
        while (at < file.length && file[at] != (byte) 0xff) {
          at++;
        }
        while (at < file.length && file[at] == (byte) 0xff) {
          at++;
        }
        if (at >= file.length) {
          throw EncodedFault.truncated(
              "JPEG file: no end marker in " + file.length + " bytes (expected: one)");
        }
        int marker = file[at++] & 0xff;
        if (marker != 0) {
          return marker;
        }
      }
    }

    private void segment(int marker) {
      int start = at;
      int length = at + 2 <= file.length ? unsignedShort(at) : 2;
      if (length < 2) {
        throw EncodedFault.undecodable("JPEG segment: " + length + " bytes (expected: at least 2)");
      }
      if (start + length > file.length) {
        throw EncodedFault.truncated("JPEG file: ends inside a segment");
      }
      at = start + length;
      if (marker == APPLICATION_0 && startsWith(start + 2, length - 2, "JFIF\0")) {
        jfif = true;
      } else if (marker == APPLICATION_14
          && length >= 14
          && startsWith(start + 2, length - 2, "Adobe")) {
        adobe = file[start + 13] & 0xff;
      }
      if ((marker >= APPLICATION_0 && marker <= APPLICATION_15) || marker == COMMENT) {
        return;
      }
      if (isFrame(marker)) {
        frame(start, length);
      }
      if (marker == START_OF_SCAN) {
        if (++scans > MAX_SCANS) {
          throw EncodedFault.tooLarge(
              "JPEG scans: more than " + MAX_SCANS + " (expected: at most " + MAX_SCANS + ")");
        }
        skipEntropyCoded();
      }
      kept.write(0xff);
      kept.write(marker);
      kept.write(file, start, at - start);
    }

    private static boolean isFrame(int marker) {
      return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
    }

    private void frame(int start, int length) {
      if (componentIds.length > 0) {
        throw EncodedFault.undecodable("JPEG frames: 2 (expected: 1)");
      }
      int components = length >= 8 ? file[start + 7] & 0xff : 0;
      if (length != 8 + 3 * components || (components != 1 && components != 3 && components != 4)) {
        throw EncodedFault.undecodable("JPEG components: " + components + " (expected: 1, 3 or 4)");
      }
      height = unsignedShort(start + 3);
      width = unsignedShort(start + 5);
      componentIds = new int[components];
      for (int i = 0; i < components; i++) {
        componentIds[i] = file[start + 8 + 3 * i] & 0xff;
      }
    }

    /** To the next marker that is neither a stuffed byte nor a restart. */
    private void skipEntropyCoded() {
      for (; at + 1 < file.length; at++) {
        int next = file[at + 1] & 0xff;
        if (file[at] == (byte) 0xff && next != 0 && next != 0xff && (next < 0xd0 || next > 0xd7)) {
          return;
        }
      }
      throw EncodedFault.truncated("JPEG file: ends inside a scan");
    }

    /** libjpeg 6b, jdapimin.c, default_decompress_parms. */
    private byte[] colourMarker() {
      return switch (componentIds.length) {
        case 1 -> JFIF;
        case 3 -> isRgb() ? adobeMarker(0) : JFIF;
        default -> adobeMarker(inkLuma() ? 2 : 0);
      };
    }

    private boolean isRgb() {
      if (jfif) {
        return false;
      }
      if (adobe >= 0) {
        return adobe == 0;
      }
      return componentIds[0] == 'R' && componentIds[1] == 'G' && componentIds[2] == 'B';
    }

    private boolean inkLuma() {
      return adobe > 0;
    }

    private static byte[] adobeMarker(int transform) {
      byte[] marker = ADOBE.clone();
      marker[marker.length - 1] = (byte) transform;
      return marker;
    }

    private int unsignedShort(int offset) {
      return ((file[offset] & 0xff) << 8) | (file[offset + 1] & 0xff);
    }

    private boolean startsWith(int offset, int length, String text) {
      return length >= text.length()
          && new String(file, offset, text.length(), StandardCharsets.ISO_8859_1).equals(text);
    }
  }
}
