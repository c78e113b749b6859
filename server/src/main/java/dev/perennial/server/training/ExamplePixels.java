package dev.perennial.server.training;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A job's examples as model inputs. Where all of them fit into the given memory they are decoded
 * once and kept; otherwise each is read and decoded again whenever it is asked for. Owned by the
 * job's thread.
 */
final class ExamplePixels {

  private final SpoolReader spool;
  private final Function<ExampleImage, float[]> decode;
  private final float @Nullable [] @Nullable [] kept;

  ExamplePixels(
      SpoolReader spool, Function<ExampleImage, float[]> decode, int imageSize, long cacheBytes) {
    this.spool = spool;
    this.decode = decode;
    long bytes = (long) spool.size() * 3 * imageSize * imageSize * Float.BYTES;
    this.kept = bytes <= cacheBytes ? new float[spool.size()][] : null;
  }

  /** (3, S, S); not to be changed. */
  float[] get(int index) {
    if (kept == null) {
      return decode.apply(spool.image(index));
    }
    float[] pixels = kept[index];
    if (pixels == null) {
      pixels = decode.apply(spool.image(index));
      kept[index] = pixels;
    }
    return pixels;
  }

  /** Several, in the given order. */
  List<float[]> get(int[] indices, int from, int to) {
    List<float[]> pixels = new ArrayList<>(to - from);
    for (int i = from; i < to; i++) {
      pixels.add(get(indices[i]));
    }
    return pixels;
  }
}
