package dev.perennial.server.eval;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.data.LabelledPicture;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.image.Preprocessing;
import dev.perennial.server.training.ExampleSet;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Labelled pictures as model inputs. A set that fits into what is left of the memory for pixels is
 * decoded once and kept; of a larger one each picture is read and decoded whenever it is asked for.
 * Owned by one thread.
 */
public final class PictureSet implements ExampleSet {
  private final List<LabelledPicture> pictures;
  private final Decoding decoding;
  private final float @Nullable [] @Nullable [] kept;

  /** How pictures become pixels, and how many bytes of them may still be kept; of one thread. */
  static final class Decoding {
    private final ImageDecoder decoder = new ImageDecoder(ImageDecoder.Limits.DEFAULT);
    private final Preprocessing preprocessing;
    private long bytesLeft;

    Decoding(Preprocessing preprocessing, long bytes) {
      this.preprocessing = preprocessing;
      this.bytesLeft = bytes;
    }

    private boolean reserve(long pictures) {
      long side = preprocessing.imageSize();
      long bytes = pictures * 3 * side * side * Float.BYTES;
      boolean fits = bytes <= bytesLeft;
      bytesLeft -= fits ? bytes : 0;
      return fits;
    }

    private float[] pixels(LabelledPicture picture) {
      byte[] encoded = picture.picture().read();
      try {
        return preprocessing.pixels(decoder.decode(encoded));
      } catch (ServingException e) {
        throw picture.picture().unreadable(e);
      }
    }
  }

  PictureSet(List<LabelledPicture> pictures, Decoding decoding) {
    this.pictures = List.copyOf(pictures);
    this.decoding = decoding;
    this.kept = decoding.reserve(pictures.size()) ? new float[pictures.size()][] : null;
  }

  @Override
  public int size() {
    return pictures.size();
  }

  @Override
  public int classOf(int index) {
    return pictures.get(index).classIndex();
  }

  /** Per picture its class. */
  public int[] classes() {
    return pictures.stream().mapToInt(LabelledPicture::classIndex).toArray();
  }

  @Override
  public float[] pixels(int index) {
    if (kept == null) {
      return decoding.pixels(pictures.get(index));
    }
    float[] pixels = kept[index];
    if (pixels == null) {
      pixels = decoding.pixels(pictures.get(index));
      kept[index] = pixels;
    }
    return pixels;
  }

  /** Those from one place to before another: one batch. */
  public List<float[]> pixels(int from, int to) {
    List<float[]> batch = new ArrayList<>(to - from);
    for (int i = from; i < to; i++) {
      batch.add(pixels(i));
    }
    return batch;
  }

  /** The picture as it came. */
  public LabelledPicture picture(int index) {
    return pictures.get(index);
  }
}
