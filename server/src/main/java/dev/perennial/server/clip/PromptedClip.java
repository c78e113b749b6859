package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.task.PrefixShape;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * A frozen CLIP with learned tokens in the sequences of both towers, and how they learn:
 * cross-entropy over logit_scale * cos, Adam, the backbone frozen. L2P (Wang et al., CVPR 2022,
 * section 4.1: x_p = [P; x_e]) puts prompts in front of the embedded input; S-liPrompts (Wang et
 * al., NeurIPS 2022) has them behind the class token of the image tower, before its first
 * LayerNorm, and behind the start of text; so do we. With a depth above 1 each further layer gets
 * tokens of its own in the place of the layer's before (VPT-deep, Jia et al., ECCV 2022).
 *
 * <p>Unlike S-liPrompts, which learns a task's whole sentence, the words of its template stay, and
 * with their positions: prompts have none, and no text grows too long for the model.
 *
 * <p>float32 masters. Owned by the {@link ClipModel}'s thread; close it before the model.
 */
public final class PromptedClip implements AutoCloseable {
  /** CoOp's and S-Prompts' start (Zhou et al. 2022): normal with this deviation. */
  private static final double START_DEVIATION = 0.02;

  /** Mean loss and number of right answers of one batch, before the step. */
  public record Step(float loss, int correct) {}

  private final ClipModel model;
  private final int length;

  /** Image (L, P, W) and text (L, P, W) on the device, float32. */
  private final TorchValue prompts;

  private final TorchValue means;
  private final TorchValue squares;
  private final TorchValue logitScale;
  private final HostBuffer classesBuffer = new HostBuffer();
  private final TrainableClip.TextBuffers textBuffers = new TrainableClip.TextBuffers();
  private int steps;

  /** Takes over the prompts. */
  private PromptedClip(ClipModel model, int length, TorchValue prompts) {
    this.model = model;
    this.length = length;
    this.prompts = prompts;
    this.means = model.program().call("copies", Mode.NO_GRADIENT, prompts);
    this.squares = model.program().call("copies", Mode.NO_GRADIENT, prompts);
    model.program().call("clear", Mode.NO_GRADIENT, means).close();
    model.program().call("clear", Mode.NO_GRADIENT, squares).close();
    this.logitScale = TorchValue.number(model.logitScale());
  }

  /** A model with given prompts. */
  public static PromptedClip of(ClipModel model, Prompts prompts) {
    List<TorchValue> towers = new ArrayList<>();
    try {
      towers.add(placed(model, prompts.image(), prompts.length(), model.config().image()));
      towers.add(placed(model, prompts.text(), prompts.length(), model.config().text()));
      return new PromptedClip(model, prompts.length(), TorchValue.list(towers));
    } finally {
      towers.forEach(TorchValue::close);
    }
  }

  private static TorchValue placed(
      ClipModel model, List<float[]> layers, int length, ClipConfig.Tower tower) {
    int width = tower.width();
    for (float[] layer : layers) {
      if (layer.length != length * width || layers.size() > tower.layers()) {
        throw new IllegalArgumentException(
            "prompts: %d layers of %d numbers (expected: at most %d of %d x %d)"
                .formatted(layers.size(), layer.length, tower.layers(), length, width));
      }
    }
    try (TorchValue host = new HostBuffer().floats(layers, layers.size(), length, width);
        TorchValue full = TorchValue.integer(0)) {
      return model.program().call("place", Mode.NO_GRADIENT, host, model.device(), full);
    }
  }

  /** Fresh prompts from the seed. A tower with fewer layers than the depth has them in all. */
  public static PromptedClip start(ClipModel model, PrefixShape shape, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    ClipConfig config = model.config();
    return of(
        model,
        new Prompts(
            shape.length(),
            fresh(random, shape, config.image()),
            fresh(random, shape, config.text())));
  }

  private static List<float[]> fresh(
      SplittableRandom random, PrefixShape shape, ClipConfig.Tower tower) {
    List<float[]> layers = new ArrayList<>();
    for (int layer = 0; layer < Math.min(shape.depth(), tower.layers()); layer++) {
      float[] tokens = new float[Math.multiplyExact(shape.length(), tower.width())];
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = (float) (START_DEVIATION * random.nextGaussian());
      }
      layers.add(tokens);
    }
    return layers;
  }

  /**
   * One step of Adam. The same calls with the same values on the same device give the same bits.
   *
   * @param pixels per image (3, S, S)
   * @param classes per image its class's place in classTokens
   */
  public Step step(
      List<float[]> pixels, int[] classes, List<int[]> classTokens, float learningRate) {
    Texts texts = checked(pixels, classes, classTokens);
    steps++;
    try (TorchValue images = model.images(pixels);
        TorchValue truth = classesBuffer.longs(classes);
        TorchValue ids = textBuffers.ids(texts);
        TorchValue ends = textBuffers.ends(texts);
        TorchValue step = TorchValue.integer(steps);
        TorchValue numbers = AdamW.PLAIN.numbers(learningRate);
        TorchValue report =
            model
                .program()
                .call(
                    "prompt_step",
                    Mode.GRADIENT,
                    model.imageWeights(),
                    model.textWeights(),
                    prompts,
                    means,
                    squares,
                    step,
                    numbers,
                    images,
                    truth,
                    ids,
                    ends,
                    logitScale,
                    model.device())) {
      float[] values = report.toFloats();
      return new Step(values[0], Math.round(values[1]));
    }
  }

  /** The gradients that a step would follow: layers as in {@link #prompts}. */
  Prompts gradients(List<float[]> pixels, int[] classes, List<int[]> classTokens) {
    Texts texts = checked(pixels, classes, classTokens);
    try (TorchValue images = model.images(pixels);
        TorchValue truth = classesBuffer.longs(classes);
        TorchValue ids = textBuffers.ids(texts);
        TorchValue ends = textBuffers.ends(texts);
        TorchValue gradients =
            model
                .program()
                .call(
                    "prompt_gradients",
                    Mode.GRADIENT,
                    model.imageWeights(),
                    model.textWeights(),
                    prompts,
                    images,
                    truth,
                    ids,
                    ends,
                    logitScale,
                    model.device())) {
      return toPrompts(gradients);
    }
  }

  private Texts checked(List<float[]> pixels, int[] classes, List<int[]> classTokens) {
    if (pixels.isEmpty() || pixels.size() != classes.length) {
      throw new IllegalArgumentException(
          "images and classes: %d and %d (expected: the same, at least 1)"
              .formatted(pixels.size(), classes.length));
    }
    for (int place : classes) {
      if (place < 0 || place >= classTokens.size()) {
        throw new IllegalArgumentException(
            "class: %d (expected: 0..%d)".formatted(place, classTokens.size() - 1));
      }
    }
    return Texts.of(classTokens, model.config());
  }

  /** L2-normalised features with the present prompts: (B, E). */
  public float[] imageFeatures(List<float[]> pixels) {
    if (pixels.isEmpty()) {
      return new float[0];
    }
    try (TorchValue images = model.images(pixels);
        TorchValue features =
            model
                .program()
                .call(
                    "prompted_images",
                    Mode.INFERENCE,
                    model.imageWeights(),
                    prompts,
                    images,
                    model.device())) {
      return features.toFloats();
    }
  }

  /** L2-normalised features with the present prompts: (K, E). */
  public float[] textFeatures(List<int[]> tokens) {
    if (tokens.isEmpty()) {
      return new float[0];
    }
    Texts texts = Texts.of(tokens, model.config());
    try (TorchValue ids = textBuffers.ids(texts);
        TorchValue ends = textBuffers.ends(texts);
        TorchValue features =
            model
                .program()
                .call(
                    "prompted_texts",
                    Mode.INFERENCE,
                    model.textWeights(),
                    prompts,
                    ids,
                    ends,
                    model.device())) {
      return features.toFloats();
    }
  }

  /** A copy of the present prompts. */
  public Prompts prompts() {
    try (TorchValue copies = model.program().call("to_host", Mode.NO_GRADIENT, prompts)) {
      return toPrompts(copies);
    }
  }

  private Prompts toPrompts(TorchValue towers) {
    List<float[]> both = towers.toFloatLists();
    ClipConfig config = model.config();
    return new Prompts(
        length,
        layers(both.get(0), config.image().width()),
        layers(both.get(1), config.text().width()));
  }

  private List<float[]> layers(float[] tower, int width) {
    int size = length * width;
    List<float[]> layers = new ArrayList<>();
    for (int at = 0; at < tower.length; at += size) {
      float[] layer = new float[size];
      FloatBuffer.wrap(tower, at, size).get(layer);
      layers.add(layer);
    }
    return layers;
  }

  @Override
  public void close() {
    prompts.close();
    means.close();
    squares.close();
    logitScale.close();
  }
}
