package dev.perennial.server.clip;

import dev.perennial.server.clip.ClipConfig.Activation;
import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.safetensors.TensorData;
import dev.perennial.server.task.Prefixes;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** A CLIP of the built-in model's shape with random weights, and random things to feed it. */
final class TinyClip {
  static final int END = 299;
  static final ClipConfig CONFIG =
      new ClipConfig(
          new Tower(128, 4, 4, 512, Activation.QUICK_GELU, 1e-5),
          new Tower(96, 3, 3, 384, Activation.QUICK_GELU, 1e-5),
          32,
          8,
          24,
          300,
          128,
          298,
          END,
          true);

  private final SplittableRandom random;

  TinyClip(long seed) {
    random = new SplittableRandom(seed);
  }

  /** Weights as pre-training starts from. */
  static ClipModel load(Precision precision) {
    Map<String, TensorData> weights = new HashMap<>();
    try (ContrastiveTraining training = ContrastiveTraining.start(CONFIG, "cpu", 7)) {
      for (TensorData weight : training.weights()) {
        weights.put(weight.name(), weight);
      }
    }
    return ClipModel.load(CONFIG, weights, "cpu", precision);
  }

  int below(int bound) {
    return random.nextInt(bound);
  }

  float gateWeight() {
    return random.nextInt(4) == 0 ? 0 : (float) random.nextDouble();
  }

  List<float[]> images(int count) {
    return layers(count, 3 * CONFIG.imageSize() * CONFIG.imageSize());
  }

  int[] text() {
    int[] tokens = new int[3 + random.nextInt(CONFIG.contextLength() - 3)];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = random.nextInt(CONFIG.startOfTextId());
    }
    tokens[tokens.length - 1] = END;
    return tokens;
  }

  List<int[]> texts(int count) {
    List<int[]> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      texts.add(text());
    }
    return texts;
  }

  Prefixes prefixes(int depth, int length) {
    int image = length * CONFIG.image().width();
    int text = length * CONFIG.text().width();
    return new Prefixes(
        length,
        layers(depth, image),
        layers(depth, image),
        layers(depth, text),
        layers(depth, text));
  }

  Prefixes zeroValues(Prefixes prefixes) {
    return new Prefixes(
        prefixes.length(),
        prefixes.imageKeys(),
        zeros(prefixes.imageValues()),
        prefixes.textKeys(),
        zeros(prefixes.textValues()));
  }

  private static List<float[]> zeros(List<float[]> layers) {
    return layers.stream().map(layer -> new float[layer.length]).toList();
  }

  private List<float[]> layers(int count, int size) {
    List<float[]> layers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] layer = new float[size];
      for (int j = 0; j < size; j++) {
        layer[j] = (float) random.nextGaussian();
      }
      layers.add(layer);
    }
    return layers;
  }
}
