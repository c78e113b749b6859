package dev.perennial.server.clip;

import dev.perennial.server.safetensors.TensorData;
import dev.perennial.server.task.Prefixes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.Stream;

/** Models with random weights, for tests and benchmarks: the same seed gives the same model. */
public final class RandomClip {
  /** exp(3.726) = 41.5: that of a model that has learnt. */
  private static final double LOG_LOGIT_SCALE = 3.726;

  private RandomClip() {}

  /** A few layers, runs in a millisecond: images of 16 x 16, embed dim 32. */
  public static ClipConfig tiny() {
    return new ClipConfig(
        new ClipConfig.Tower(48, 3, 3, 96, ClipConfig.Activation.QUICK_GELU, 1e-5),
        new ClipConfig.Tower(32, 3, 2, 64, ClipConfig.Activation.QUICK_GELU, 1e-5),
        16,
        4,
        12,
        200,
        32,
        198,
        199,
        false);
  }

  /** The shape of CLIP ViT-B/16. */
  public static ClipConfig vitB16() {
    return new ClipConfig(
        new ClipConfig.Tower(768, 12, 12, 3072, ClipConfig.Activation.QUICK_GELU, 1e-5),
        new ClipConfig.Tower(512, 12, 8, 2048, ClipConfig.Activation.QUICK_GELU, 1e-5),
        224,
        16,
        77,
        49408,
        512,
        49406,
        49407,
        false);
  }

  /** A model on the calling thread. */
  public static ClipModel load(ClipConfig config, String device, Precision precision, long seed) {
    return ClipModel.load(config, weights(config, seed), device, precision);
  }

  /** Weights as a model starts training from, under their Hugging Face names. */
  static Map<String, TensorData> weights(ClipConfig config, long seed) {
    Map<String, TensorData> weights = new HashMap<>();
    SplittableRandom random = new SplittableRandom(seed);
    Stream.of(
            WeightLayout.image(config).stream(),
            WeightLayout.text(config).stream(),
            Stream.of(WeightLayout.logitScale(LOG_LOGIT_SCALE)))
        .flatMap(entries -> entries)
        .forEach(
            entry -> {
              for (String name : entry.names()) {
                weights.put(name, weight(entry, name, random));
              }
            });
    return weights;
  }

  private static TensorData weight(WeightLayout.Entry entry, String name, SplittableRandom random) {
    int count = (int) entry.shape().stream().mapToLong(Long::longValue).reduce(1, (a, b) -> a * b);
    float[] values = new float[count];
    // Uniform of the same deviation: a hundred million numbers in a second.
    double width = Math.sqrt(12) * entry.init().standardDeviation();
    for (int i = 0; i < count; i++) {
      values[i] = (float) (entry.init().mean() + width * (random.nextDouble() - 0.5));
    }
    return TensorData.ofFloats(name, entry.shape(), values);
  }

  /** A task's prefixes: keys as at the start of training, values of the given size. */
  public static Prefixes prefixes(
      ClipConfig config, int depth, int length, double valueSize, long seed) {
    Random random = new Random(seed);
    int image = length * config.image().width();
    int text = length * config.text().width();
    return new Prefixes(
        length,
        layers(random, Math.min(depth, config.image().layers()), image, 1),
        layers(random, Math.min(depth, config.image().layers()), image, valueSize),
        layers(random, Math.min(depth, config.text().layers()), text, 1),
        layers(random, Math.min(depth, config.text().layers()), text, valueSize));
  }

  private static List<float[]> layers(Random random, int depth, int count, double size) {
    List<float[]> layers = new ArrayList<>();
    for (int layer = 0; layer < depth; layer++) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = (float) (size * (2 * random.nextDouble() - 1));
      }
      layers.add(values);
    }
    return layers;
  }

  /** An image (3, S, S) of a domain: a pattern of the domain's, and noise. */
  public static float[] image(ClipConfig config, String domain, int number) {
    int count = 3 * config.imageSize() * config.imageSize();
    Random pattern = new Random(domain.hashCode());
    Random noise = new Random(domain.hashCode() * 31L + number);
    float[] pixels = new float[count];
    for (int i = 0; i < count; i++) {
      pixels[i] = (float) (1.5 * pattern.nextGaussian() + 0.7 * noise.nextGaussian());
    }
    return pixels;
  }

  /** Labels of random tokens, a few each. */
  public static LabelSet labels(ClipConfig config, int count, long seed) {
    Random random = new Random(seed);
    List<String> labels = new ArrayList<>();
    List<LabelSet.Prompt> prompts = new ArrayList<>();
    List<List<String>> unknownWords = new ArrayList<>();
    for (int k = 0; k < count; k++) {
      List<Integer> tokens = new ArrayList<>();
      tokens.add(config.startOfTextId());
      for (int i = 0; i < 2 + random.nextInt(5); i++) {
        tokens.add(random.nextInt(config.startOfTextId()));
      }
      tokens.add(config.endOfTextId());
      labels.add("label " + k);
      prompts.add(new LabelSet.Prompt("label " + k, k, List.copyOf(tokens)));
      unknownWords.add(List.of());
    }
    return new LabelSet(labels, prompts, unknownWords);
  }
}
