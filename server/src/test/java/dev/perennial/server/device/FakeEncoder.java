package dev.perennial.server.device;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.task.Prefixes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Two towers in plain Java that behave as the real ones do towards their callers: features of
 * length 1, bent by a task's prefixes as far as the gate weight says, each row by itself. A task is
 * known by the first number of its image keys and text keys.
 */
final class FakeEncoder implements Encoder {
  static final int EMBED_DIM = 16;
  static final int IMAGE_SIZE = 4;
  static final int PIXELS = 3 * IMAGE_SIZE * IMAGE_SIZE;
  static final float LOGIT_SCALE = 20;
  static final ClipConfig CLIP =
      new ClipConfig(
          new ClipConfig.Tower(8, 1, 2, 16, ClipConfig.Activation.GELU, 1e-5),
          new ClipConfig.Tower(8, 1, 2, 16, ClipConfig.Activation.GELU, 1e-5),
          IMAGE_SIZE,
          2,
          16,
          100,
          EMBED_DIM,
          98,
          99,
          false);

  /** A first pixel or token that breaks the batch it is in. */
  static final int POISON = 6666;

  private static final float[] PROJECTION = gaussians(7, EMBED_DIM * PIXELS);

  /** What the encoder was asked to run. */
  record Batch(boolean images, int size, List<Float> gateWeights, List<Integer> slots) {}

  final ConcurrentLinkedQueue<Batch> batches = new ConcurrentLinkedQueue<>();

  /** Called with each batch before it is run, on the device's thread; may block or throw. */
  volatile Consumer<Batch> before = batch -> {};

  volatile Consumer<List<Prefixes>> beforeInstall = tasks -> {};
  volatile boolean closed;
  private List<Prefixes> tasks = List.of();

  @Override
  public ClipConfig config() {
    return CLIP;
  }

  @Override
  public float logitScale() {
    return LOGIT_SCALE;
  }

  @Override
  public void install(List<Prefixes> next) {
    beforeInstall.accept(next);
    tasks = next;
  }

  @Override
  public float[] imageFeatures(List<float[]> pixels, int[] slots, float[] gateWeights) {
    note(true, slots, gateWeights);
    float[] features = new float[pixels.size() * EMBED_DIM];
    for (int i = 0; i < pixels.size(); i++) {
      Prefixes prefixes = gateWeights[i] == 0 ? null : tasks.get(slots[i]);
      System.arraycopy(
          image(pixels.get(i), prefixes, gateWeights[i]), 0, features, i * EMBED_DIM, EMBED_DIM);
    }
    return features;
  }

  @Override
  public float[] textFeatures(List<int[]> tokens, int[] slots, float[] gateWeights) {
    note(false, slots, gateWeights);
    float[] features = new float[tokens.size() * EMBED_DIM];
    for (int i = 0; i < tokens.size(); i++) {
      Prefixes prefixes = gateWeights[i] == 0 ? null : tasks.get(slots[i]);
      System.arraycopy(
          text(tokens.get(i), prefixes, gateWeights[i]), 0, features, i * EMBED_DIM, EMBED_DIM);
    }
    return features;
  }

  private void note(boolean images, int[] slots, float[] gateWeights) {
    List<Float> weights = new ArrayList<>();
    for (float weight : gateWeights) {
      weights.add(weight);
    }
    Batch batch = new Batch(images, slots.length, weights, Arrays.stream(slots).boxed().toList());
    batches.add(batch);
    before.accept(batch);
  }

  /** One image's features; prefixes may be null where the gate weight is 0. */
  static float[] image(float[] pixels, @Nullable Prefixes prefixes, float gateWeight) {
    if (pixels[0] == POISON) {
      throw new IllegalStateException("poison");
    }
    float[] features = new float[EMBED_DIM];
    for (int e = 0; e < EMBED_DIM; e++) {
      for (int p = 0; p < PIXELS; p++) {
        features[e] += PROJECTION[e * PIXELS + p] * pixels[p];
      }
    }
    return bent(features, prefixes == null ? null : prefixes.imageKeys().get(0), gateWeight);
  }

  /** One text's features; prefixes may be null where the gate weight is 0. */
  static float[] text(int[] tokens, @Nullable Prefixes prefixes, float gateWeight) {
    if (tokens[0] == POISON) {
      throw new IllegalStateException("poison");
    }
    float[] features = gaussians(Arrays.hashCode(tokens), EMBED_DIM);
    return bent(features, prefixes == null ? null : prefixes.textKeys().get(0), gateWeight);
  }

  private static float[] bent(float[] features, float @Nullable [] keys, float gateWeight) {
    if (keys != null && gateWeight != 0) {
      float[] direction = gaussians((long) (keys[0] * 1000), EMBED_DIM);
      for (int e = 0; e < EMBED_DIM; e++) {
        features[e] += (float) Math.sin(gateWeight * direction[e]);
      }
    }
    double squares = 0;
    for (float f : features) {
      squares += (double) f * f;
    }
    for (int e = 0; e < EMBED_DIM; e++) {
      features[e] /= (float) Math.sqrt(squares);
    }
    return features;
  }

  static float[] gaussians(long seed, int count) {
    Random random = new Random(seed);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  @Override
  public <T> T run(DeviceStep<T> step) {
    throw new UnsupportedOperationException("there is no model behind this encoder");
  }

  @Override
  public void close() {
    closed = true;
  }
}
