package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.task.Prefixes;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * One task's keys and values while they are learned: SGD on cross-entropy over logit_scale * cos, w
 * = 1, backbone frozen (DIKI section 3.2). float32 masters. Owned by the {@link ClipModel}'s
 * thread; every call is one short piece of device work. Close it before the model.
 *
 * <p>Each step runs the text tower over all class texts, because their prefixes learn too. Memory
 * is bounded: where the texts have more than {@value #MAX_TOKENS} tokens they are differentiated
 * part by part, which computes their features twice (Gao et al. 2021, arXiv 2101.06983, section
 * 3.2: the loss's gradient of the features is kept, not the graph). The sum over parts is made in
 * their order.
 */
public final class PrefixTraining implements AutoCloseable {
  /** Mean loss and number of right answers of one batch, before the step. */
  public record Step(float loss, int correct) {}

  /**
   * Tokens of class texts whose activations are alive at once; about 2 GB at ViT-B/16, far less
   * than the images of a batch.
   */
  static final int MAX_TOKENS = 4_096;

  private final ClipModel model;
  private final int length;
  private final int classCount;

  /** (L, 2, P, W) on the device, float32: per layer keys and values. */
  private final TorchValue imagePrefixes;

  private final TorchValue textPrefixes;
  private final TorchValue tokens;
  private final TorchValue ends;
  private final TorchValue textsAtOnce;
  private final TorchValue logitScale;
  private final HostBuffer classesBuffer = new HostBuffer();

  /** Features of the class texts with the present prefixes; null after a step. */
  private @Nullable TorchValue textFeatures;

  /** Takes over the four tensors: both towers' prefixes, tokens, ends. */
  private PrefixTraining(
      ClipModel model, int length, int classCount, int textsAtOnce, List<TorchValue> tensors) {
    this.model = model;
    this.length = length;
    this.classCount = classCount;
    imagePrefixes = tensors.get(0);
    textPrefixes = tensors.get(1);
    tokens = tensors.get(2);
    ends = tensors.get(3);
    this.textsAtOnce = TorchValue.integer(textsAtOnce);
    logitScale = TorchValue.number(model.logitScale());
  }

  /** Continues from given prefixes. */
  public static PrefixTraining resume(ClipModel model, Prefixes prefixes, List<int[]> classTokens) {
    return resume(model, prefixes, classTokens, MAX_TOKENS);
  }

  /** The same with another bound on the tokens at once; one text is always computed whole. */
  static PrefixTraining resume(
      ClipModel model, Prefixes prefixes, List<int[]> classTokens, int maxTokens) {
    if (classTokens.isEmpty()) {
      throw ServingException.invalid("NO_CLASSES", "classes", "classes: 0 (expected: at least 1)");
    }
    ClipConfig config = model.config();
    Texts texts = Texts.of(classTokens, config);
    PrefixBankBuilder.check(prefixes, config);
    HostBuffer host = new HostBuffer();
    List<TorchValue> tensors = new ArrayList<>();
    try {
      TorchValue image =
          stacked(host, prefixes.imageKeys(), prefixes.imageValues(), config.image().width());
      tensors.add(placed(model, image));
      TorchValue text =
          stacked(host, prefixes.textKeys(), prefixes.textValues(), config.text().width());
      tensors.add(placed(model, text));
      tensors.add(placed(model, host.longs(texts.tokens(), texts.count(), texts.length())));
      tensors.add(placed(model, host.longs(texts.ends())));
    } catch (RuntimeException e) { // a device's memory may end here
      tensors.forEach(TorchValue::close);
      throw e;
    }
    int textsAtOnce = Math.max(1, maxTokens / texts.length());
    return new PrefixTraining(model, prefixes.length(), texts.count(), textsAtOnce, tensors);
  }

  private static TorchValue placed(ClipModel model, TorchValue host) {
    try (host;
        TorchValue full = TorchValue.integer(0)) {
      return model.program().call("place", Mode.NO_GRADIENT, host, model.device(), full);
    }
  }

  private static TorchValue stacked(
      HostBuffer host, List<float[]> keys, List<float[]> values, int width) {
    List<float[]> rows = new ArrayList<>();
    for (int layer = 0; layer < keys.size(); layer++) {
      rows.add(keys.get(layer));
      rows.add(values.get(layer));
    }
    return host.floats(rows, keys.size(), 2, keys.get(0).length / width, width);
  }

  /** How the values of fresh prefixes begin. */
  public enum ValueStart {
    /** The branch is exactly nothing: DIKI, and what a server does. */
    ZERO,
    /** Uniform in (-1, 1), as the keys are: what DIKI is compared with in its ablation. */
    RANDOM
  }

  /** Fresh prefixes as a server makes them: values zero. */
  public static PrefixTraining start(
      ClipModel model, PrefixShape shape, List<int[]> classTokens, long seed) {
    return start(model, shape, classTokens, ValueStart.ZERO, seed);
  }

  /**
   * Fresh prefixes: keys uniform in (-1, 1) from the seed. A tower with fewer layers than the
   * shape's depth has a branch in all of them.
   */
  public static PrefixTraining start(
      ClipModel model, PrefixShape shape, List<int[]> classTokens, ValueStart values, long seed) {
    if (shape.depth() < 1 || shape.length() < 1) {
      throw ServingException.invalid(
          "PREFIX_SHAPE", "prefix", shape + " (expected: depth and length of at least 1)");
    }
    SplittableRandom random = new SplittableRandom(seed);
    ClipConfig config = model.config();
    int imageDepth = Math.min(shape.depth(), config.image().layers());
    int textDepth = Math.min(shape.depth(), config.text().layers());
    int imageSize = Math.multiplyExact(shape.length(), config.image().width());
    int textSize = Math.multiplyExact(shape.length(), config.text().width());
    List<float[]> imageKeys = uniform(random, imageDepth, imageSize);
    List<float[]> textKeys = uniform(random, textDepth, textSize);
    boolean zero = values == ValueStart.ZERO;
    Prefixes prefixes =
        new Prefixes(
            shape.length(),
            imageKeys,
            zero ? zeros(imageDepth, imageSize) : uniform(random, imageDepth, imageSize),
            textKeys,
            zero ? zeros(textDepth, textSize) : uniform(random, textDepth, textSize));
    return resume(model, prefixes, classTokens);
  }

  private static List<float[]> uniform(SplittableRandom random, int depth, int size) {
    List<float[]> layers = zeros(depth, size);
    for (float[] layer : layers) {
      for (int i = 0; i < size; i++) {
        layer[i] = (float) (2 * random.nextDouble() - 1);
      }
    }
    return layers;
  }

  private static List<float[]> zeros(int depth, int size) {
    List<float[]> layers = new ArrayList<>();
    for (int layer = 0; layer < depth; layer++) {
      layers.add(new float[size]);
    }
    return layers;
  }

  /**
   * One step of SGD. The same calls with the same values on the same device give the same bits.
   *
   * @param pixels per image (3, S, S)
   * @param classes per image its class's place in classTokens
   */
  public Step step(List<float[]> pixels, int[] classes, float learningRate) {
    check(pixels, classes);
    forgetTexts();
    try (TorchValue found = differentiated(pixels, classes);
        TorchValue rate = TorchValue.number(learningRate);
        TorchValue report =
            model
                .program()
                .call(
                    "prefix_descend", Mode.NO_GRADIENT, imagePrefixes, textPrefixes, found, rate)) {
      float[] values = report.toFloats();
      return new Step(values[0], Math.round(values[1]));
    }
  }

  /** The gradients that a step would follow: layers as in {@link #prefixes}. */
  Prefixes gradients(List<float[]> pixels, int[] classes) {
    check(pixels, classes);
    try (TorchValue found = differentiated(pixels, classes);
        TorchValue copies = model.program().call("to_host", Mode.NO_GRADIENT, found)) {
      List<float[]> tensors = copies.toFloatLists();
      return prefixes(tensors.get(1), tensors.get(2));
    }
  }

  /** On the device: loss and right answers (2), and the gradients of both towers' prefixes. */
  private TorchValue differentiated(List<float[]> pixels, int[] classes) {
    try (TorchValue images = model.images(pixels);
        TorchValue truth = classesBuffer.longs(classes)) {
      return model
          .program()
          .call(
              "prefix_loss",
              Mode.GRADIENT,
              model.imageWeights(),
              model.textWeights(),
              imagePrefixes,
              textPrefixes,
              images,
              truth,
              tokens,
              ends,
              textsAtOnce,
              logitScale,
              model.device());
    }
  }

  private void check(List<float[]> pixels, int[] classes) {
    if (pixels.isEmpty() || pixels.size() != classes.length) {
      throw new IllegalArgumentException(
          "images and classes: %d and %d (expected: the same, at least 1)"
              .formatted(pixels.size(), classes.length));
    }
    for (int place : classes) {
      if (place < 0 || place >= classCount) {
        throw new IllegalArgumentException(
            "class: %d (expected: 0..%d)".formatted(place, classCount - 1));
      }
    }
  }

  /** Logits (B, K) with the present prefixes at w = 1, row by row; no gradient. */
  public float[] logits(List<float[]> pixels) {
    if (pixels.isEmpty()) {
      return new float[0];
    }
    TorchValue texts = textFeatures;
    if (texts == null) {
      texts =
          model
              .program()
              .call(
                  "prefix_texts",
                  Mode.INFERENCE,
                  model.textWeights(),
                  textPrefixes,
                  tokens,
                  ends,
                  textsAtOnce);
      textFeatures = texts;
    }
    try (TorchValue images = model.images(pixels);
        TorchValue logits =
            model
                .program()
                .call(
                    "prefix_logits",
                    Mode.INFERENCE,
                    model.imageWeights(),
                    imagePrefixes,
                    images,
                    texts,
                    logitScale,
                    model.device())) {
      return logits.toFloats();
    }
  }

  private void forgetTexts() {
    if (textFeatures != null) {
      textFeatures.close();
      textFeatures = null;
    }
  }

  /** A copy of the present prefixes. */
  public Prefixes prefixes() {
    try (TorchValue both = TorchValue.list(List.of(imagePrefixes, textPrefixes));
        TorchValue copies = model.program().call("to_host", Mode.NO_GRADIENT, both)) {
      List<float[]> towers = copies.toFloatLists();
      return prefixes(towers.get(0), towers.get(1));
    }
  }

  private Prefixes prefixes(float[] image, float[] text) {
    int imageWidth = model.config().image().width();
    int textWidth = model.config().text().width();
    return new Prefixes(
        length,
        everySecond(image, 0, imageWidth),
        everySecond(image, 1, imageWidth),
        everySecond(text, 0, textWidth),
        everySecond(text, 1, textWidth));
  }

  /** The keys (first = 0) or values (1) of (L, 2, P, W). */
  private List<float[]> everySecond(float[] tower, int first, int width) {
    int size = length * width;
    List<float[]> layers = new ArrayList<>();
    for (int at = first * size; at < tower.length; at += 2 * size) {
      float[] layer = new float[size];
      FloatBuffer.wrap(tower, at, size).get(layer);
      layers.add(layer);
    }
    return layers;
  }

  @Override
  public void close() {
    forgetTexts();
    imagePrefixes.close();
    textPrefixes.close();
    tokens.close();
    ends.close();
    textsAtOnce.close();
    logitScale.close();
  }
}
