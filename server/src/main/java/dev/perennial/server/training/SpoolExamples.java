package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A job's examples. Where all of them fit into the given memory they are decoded once and kept;
 * otherwise each is read and decoded again whenever it is asked for. Owned by the job's thread.
 */
final class SpoolExamples implements ExampleSet {

  private final SpoolReader spool;
  private final Function<ExampleImage, float[]> decode;
  private final int[] classOf;
  private final float @Nullable [] @Nullable [] kept;

  /** Throws DATA_LOSS where a label is none of the class names. */
  SpoolExamples(
      SpoolReader spool,
      List<String> classNames,
      Function<ExampleImage, float[]> decode,
      int imageSize,
      long cacheBytes) {
    this.spool = spool;
    this.decode = decode;
    this.classOf = classOf(spool, classNames);
    long bytes = (long) spool.size() * 3 * imageSize * imageSize * Float.BYTES;
    this.kept = bytes <= cacheBytes ? new float[spool.size()][] : null;
  }

  private static int[] classOf(SpoolReader spool, List<String> classNames) {
    Map<String, Integer> placeOf = new HashMap<>();
    for (int i = 0; i < classNames.size(); i++) {
      placeOf.put(classNames.get(i), i);
    }
    int[] places = new int[spool.size()];
    for (int i = 0; i < places.length; i++) {
      Integer place = placeOf.get(spool.label(i));
      if (place == null) {
        throw SpoolRecord.damaged("label " + ServingException.quoted(spool.label(i)));
      }
      places[i] = place;
    }
    return places;
  }

  @Override
  public int size() {
    return spool.size();
  }

  @Override
  public int classOf(int index) {
    return classOf[index];
  }

  @Override
  public float[] pixels(int index) {
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
}
