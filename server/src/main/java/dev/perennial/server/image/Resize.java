package dev.perennial.server.image;

import java.util.Arrays;

/**
 * One resize of a picture, to the window that two axes of {@link Coefficients} describe: Pillow's
 * two passes, horizontal first, each rounded to 8 bits. Used once, by one thread.
 *
 * <p>The idea is to give the JIT loops that it can vectorise: over int arrays, from index 0, with
 * one factor. So the horizontal pass takes a block of rows at once, transposed, so that its inner
 * loop runs down the rows; the vertical pass adds each row that comes out to the few rows of the
 * result that need it, and no picture in between is kept.
 */
final class Resize {
  private static final int CHANNELS = 3;

  /**
   * Rows of a block: a few vectors long, and short enough for a block to stay in a core's cache.
   */
  private static final int BLOCK_ROWS = 64;

  private static final int PRECISION_BITS = Coefficients.PRECISION_BITS;
  private static final int ROUNDING = 1 << (PRECISION_BITS - 1);

  private final RgbImage image;
  private final Coefficients columns;
  private final Coefficients rows;

  /** Per needed sample of a source row (column and channel) the block's rows. */
  private final int[][] block;

  /** The block's rows after the horizontal pass. */
  private final int[][] narrow;

  /** Per row of the result its sums so far, in fixed point. */
  private final int[][] sums;

  /** Rows of the result that still change: all before are complete. */
  private int firstOpen;

  Resize(RgbImage image, Coefficients columns, Coefficients rows) {
    this.image = image;
    this.columns = columns;
    this.rows = rows;
    int blockRows = Math.min(BLOCK_ROWS, rows.end() - rows.begin());
    this.block = new int[CHANNELS * (columns.end() - columns.begin())][blockRows];
    this.narrow = new int[blockRows][CHANNELS * columns.count()];
    this.sums = new int[rows.count()][CHANNELS * columns.count()];
  }

  /** The window's rows, three bytes a pixel. */
  byte[][] run() {
    for (int[] sum : sums) {
      Arrays.fill(sum, ROUNDING);
    }
    int blockRows = narrow.length;
    for (int y = rows.begin(); y < rows.end(); y += blockRows) {
      int count = Math.min(blockRows, rows.end() - y);
      transpose(y, count);
      horizontal();
      for (int row = 0; row < count; row++) {
        vertical(narrow[row], y + row);
      }
    }
    byte[][] result = new byte[sums.length][];
    for (int y = 0; y < result.length; y++) {
      result[y] = bytes(sums[y]);
    }
    return result;
  }

  private void transpose(int firstRow, int count) {
    byte[] source = image.rgb();
    int stride = CHANNELS * image.width();
    int corner = stride * firstRow + CHANNELS * columns.begin();
    for (int sample = 0; sample < block.length; sample++) {
      int[] lane = block[sample];
      int from = corner + sample;
      for (int row = 0; row < count; row++) {
        lane[row] = source[from] & 0xff;
        from += stride;
      }
    }
  }

  /** Of a last, shorter block the rows behind its end are computed and not used. */
  private void horizontal() {
    int[] sum = new int[narrow.length];
    for (int x = 0; x < columns.count(); x++) {
      int[] weights = columns.weights()[x];
      int first = CHANNELS * (columns.start()[x] - columns.begin());
      for (int channel = 0; channel < CHANNELS; channel++) {
        Arrays.fill(sum, ROUNDING);
        for (int i = 0; i < weights.length; i++) {
          addWeighted(sum, block[first + CHANNELS * i + channel], weights[i]);
        }
        for (int row = 0; row < sum.length; row++) {
          narrow[row][CHANNELS * x + channel] = clip(sum[row]);
        }
      }
    }
  }

  /** Adds a row to those of the result that it counts for. */
  private void vertical(int[] row, int y) {
    while (firstOpen < sums.length
        && rows.start()[firstOpen] + rows.weights()[firstOpen].length <= y) {
      firstOpen++;
    }
    for (int i = firstOpen; i < sums.length && rows.start()[i] <= y; i++) {
      addWeighted(sums[i], row, rows.weights()[i][y - rows.start()[i]]);
    }
  }

  private static void addWeighted(int[] sums, int[] samples, int weight) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += samples[i] * weight;
    }
  }

  private static byte[] bytes(int[] sums) {
    byte[] bytes = new byte[sums.length];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) clip(sums[i]);
    }
    return bytes;
  }

  private static int clip(int fixedPoint) {
    return Math.max(0, Math.min(255, fixedPoint >> PRECISION_BITS));
  }
}
