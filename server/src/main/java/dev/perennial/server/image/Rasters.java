package dev.perennial.server.image;

import java.awt.image.ColorModel;
import java.awt.image.ComponentSampleModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.IndexColorModel;
import java.awt.image.PixelInterleavedSampleModel;
import java.awt.image.Raster;
import java.awt.image.SampleModel;
import java.util.Arrays;

/**
 * From the JDK's rasters to RGB bytes, as Pillow's {@code convert("RGB")} does it: grey is
 * repeated, alpha is dropped, 16 bits lose their lower 8. The stored samples are read, never {@code
 * getRGB}, which converts through colour spaces.
 */
final class Rasters {
  private Rasters() {}

  /** Grey, grey and alpha, RGB, or RGB and alpha. */
  static byte[] direct(Raster raster) {
    int bands = raster.getNumBands();
    byte[] rgb = new byte[Math.multiplyExact(3 * raster.getWidth(), raster.getHeight())];
    int[] channels = bands < 3 ? new int[] {0, 0, 0} : new int[] {0, 1, 2};
    if (raster.getSampleModel() instanceof PixelInterleavedSampleModel model
        && raster.getDataBuffer() instanceof DataBufferByte buffer
        && buffer.getNumBanks() == 1) {
      interleaved(raster, model, buffer, channels, rgb);
      return rgb;
    }
    int[] row = new int[raster.getWidth() * bands];
    int[] bits = bitsOf(raster.getSampleModel());
    int out = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, raster.getWidth(), 1, row);
      for (int x = 0; x < row.length; x += bands) {
        for (int channel : channels) {
          rgb[out++] = (byte) toEightBits(row[x + channel], bits[channel]);
        }
      }
    }
    return rgb;
  }

  private static int[] bitsOf(SampleModel model) {
    int[] bits = model.getSampleSize();
    if (model instanceof ComponentSampleModel && model.getDataType() == DataBuffer.TYPE_USHORT) {
      Arrays.fill(bits, 16);
    }
    return bits;
  }

  private static int toEightBits(int sample, int bits) {
    if (bits > 8) {
      return sample >> (bits - 8);
    }
    return bits == 8 ? sample : sample * 255 / ((1 << bits) - 1);
  }

  private static void interleaved(
      Raster raster,
      PixelInterleavedSampleModel model,
      DataBufferByte buffer,
      int[] channels,
      byte[] rgb) {
    byte[] data = buffer.getData();
    int[] offsets = model.getBandOffsets();
    int red = offsets[channels[0]];
    int green = offsets[channels[1]];
    int blue = offsets[channels[2]];
    int stride = model.getPixelStride();
    int out = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      int in =
          buffer.getOffset()
              + (y - raster.getSampleModelTranslateY() + raster.getMinY())
                  * model.getScanlineStride()
              + (raster.getMinX() - raster.getSampleModelTranslateX()) * stride;
      for (int x = 0; x < raster.getWidth(); x++, in += stride) {
        rgb[out++] = data[in + red];
        rgb[out++] = data[in + green];
        rgb[out++] = data[in + blue];
      }
    }
  }

  /** Indices into a palette. */
  static byte[] indexed(Raster raster, IndexColorModel palette) {
    byte[][] colours = new byte[3][1 << Math.max(8, raster.getSampleModel().getSampleSize(0))];
    palette.getReds(colours[0]);
    palette.getGreens(colours[1]);
    palette.getBlues(colours[2]);
    byte[] rgb = new byte[Math.multiplyExact(3 * raster.getWidth(), raster.getHeight())];
    int[] row = new int[raster.getWidth()];
    int out = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getSamples(raster.getMinX(), raster.getMinY() + y, row.length, 1, 0, row);
      for (int index : row) {
        rgb[out++] = colours[0][index];
        rgb[out++] = colours[1][index];
        rgb[out++] = colours[2][index];
      }
    }
    return rgb;
  }

  static byte[] decoded(Raster raster, ColorModel colours) {
    return colours instanceof IndexColorModel palette ? indexed(raster, palette) : direct(raster);
  }

  /**
   * Four inks as Adobe's programs store them: inverted (Pillow assumes so always), and with the
   * first three as luma and chroma if {@code inkLuma}.
   */
  static byte[] inks(Raster raster, boolean inkLuma) {
    byte[] rgb = new byte[Math.multiplyExact(3 * raster.getWidth(), raster.getHeight())];
    int[] row = new int[4 * raster.getWidth()];
    int out = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(raster.getMinX(), raster.getMinY() + y, raster.getWidth(), 1, row);
      for (int x = 0; x < row.length; x += 4) {
        if (inkLuma) {
          lumaToInks(row, x);
        }
        int light = row[x + 3]; // 255 - black, as the file inverts it
        for (int ink = 0; ink < 3; ink++) {
          int cover = 255 - row[x + ink];
          rgb[out++] = (byte) Math.max(0, light - multiplyDivide255(cover, light));
        }
      }
    }
    return rgb;
  }

  /** Pillow's MULDIV255: the product of two bytes over 255, rounded. */
  private static int multiplyDivide255(int a, int b) {
    int t = a * b + 128;
    return ((t >> 8) + t) >> 8;
  }

  /** libjpeg's ycck_cmyk_convert (jdcolor.c): 16-bit fixed point, each table rounded by itself. */
  private static void lumaToInks(int[] row, int x) {
    int luma = row[x];
    int blue = row[x + 1] - 128;
    int red = row[x + 2] - 128;
    int half = 1 << 15;
    row[x] = clamp(255 - (luma + ((91881 * red + half) >> 16)));
    row[x + 1] = clamp(255 - (luma + ((-22554 * blue - 46802 * red + half) >> 16)));
    row[x + 2] = clamp(255 - (luma + ((116130 * blue + half) >> 16)));
  }

  private static int clamp(int value) {
    return Math.max(0, Math.min(255, value));
  }
}
