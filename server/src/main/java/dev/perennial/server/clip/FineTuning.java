package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.safetensors.TensorData;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A CLIP both of whose towers learn to classify: cross-entropy over logit_scale * cos against the
 * class texts, AdamW without decay, the logit scale as it was. Where a {@link Reference} is given,
 * the loss of ZSCL is added (Zheng et al., ICCV 2023, arXiv 2303.06628, section 3.2): on images
 * that are not the task's, similarities to texts shall stay those of the original model.
 *
 * <p>As in ZSCL's published code, the texts' features in that loss are the original model's, and
 * its two directions have the weight 1. We write the divergence where they have the cross-entropy:
 * it is smaller by the original's entropy, a constant, so that it is 0 where nothing has moved.
 *
 * <p>float32. Owned by one thread; the same calls with the same values on the same device give the
 * same bits.
 */
public final class FineTuning implements AutoCloseable {
  private static final double DISTILLATION_WEIGHT = 1;

  /** Temperature of ZSCL's distillation. */
  private static final double TEMPERATURE = 2;

  /**
   * Images and texts that the model shall go on to compare as the original one does.
   *
   * @param pixels per image (3, S, S)
   * @param imageFeatures the original model's, (R, E)
   * @param textFeatures the original model's, of any texts, (M, E)
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record Reference(List<float[]> pixels, float[] imageFeatures, float[] textFeatures) {}

  /** Mean loss, divergence from the original, and right answers of one batch, before the step. */
  public record Step(float loss, float divergence, int correct) {}

  private final TrainableClip clip;
  private final TrainableClip.TextBuffers texts = new TrainableClip.TextBuffers();
  private final HostBuffer classesBuffer = new HostBuffer();
  private final HostBuffer referencePixels = new HostBuffer();
  private final HostBuffer referenceImages = new HostBuffer();
  private final HostBuffer referenceTexts = new HostBuffer();
  private @Nullable Texts classTexts;
  private double labelSmoothing;

  private FineTuning(TrainableClip clip) {
    this.clip = clip;
  }

  /** Starts from the weights of a model directory. */
  public static FineTuning of(ModelDirectory directory, String device) {
    return of(directory.config(), device, directory.weights());
  }

  /** The same from weights in memory, under their Hugging Face names. */
  static FineTuning of(ClipConfig config, String device, Map<String, TensorData> weights) {
    return new FineTuning(TrainableClip.from(config, device, weights));
  }

  /**
   * Takes up a task where the last one ended: new class texts, AdamW from its beginning.
   *
   * @param labelSmoothing share of each label that is spread over all classes
   */
  public void begin(List<int[]> classTokens, double labelSmoothing) {
    if (classTokens.isEmpty()) {
      throw ServingException.invalid("NO_CLASSES", "classes", "classes: 0 (expected: at least 1)");
    }
    this.classTexts = Texts.of(classTokens, clip.config());
    this.labelSmoothing = labelSmoothing;
    clip.forgetGradients();
  }

  /**
   * One step of AdamW.
   *
   * @param pixels per image (3, S, S)
   * @param classes per image its class's place in the task's texts
   * @param reference null for plain fine-tuning
   */
  public Step step(
      List<float[]> pixels, int[] classes, float learningRate, @Nullable Reference reference) {
    Texts known = known();
    try (TorchValue images = clip.images(pixels, classes.length);
        TorchValue truth = classesBuffer.longs(checked(classes, known.count()));
        TorchValue ids = texts.ids(known);
        TorchValue ends = texts.ends(known);
        TorchValue kept = reference(reference);
        TorchValue step = TorchValue.integer(clip.nextStep());
        TorchValue numbers = numbers(learningRate);
        TorchValue report =
            clip.program()
                .call(
                    "classify_step",
                    Mode.GRADIENT,
                    clip.weights(),
                    clip.means(),
                    clip.squares(),
                    clip.imageWeights(),
                    step,
                    numbers,
                    images,
                    truth,
                    ids,
                    ends,
                    kept,
                    clip.device())) {
      float[] values = report.toFloats();
      return new Step(values[0], values[1], Math.round(values[2]));
    }
  }

  private TorchValue numbers(float learningRate) {
    return AdamW.PLAIN.numbers(learningRate, labelSmoothing, TEMPERATURE, DISTILLATION_WEIGHT);
  }

  private Texts known() {
    if (classTexts == null) {
      throw new IllegalStateException("task: none (expected: begun)");
    }
    return classTexts;
  }

  private static int[] checked(int[] classes, int count) {
    for (int place : classes) {
      if (place < 0 || place >= count) {
        throw new IllegalArgumentException(
            "class: %d (expected: 0..%d)".formatted(place, count - 1));
      }
    }
    return classes;
  }

  /** Images, their features, the texts' features; or an empty list. */
  private TorchValue reference(@Nullable Reference reference) {
    if (reference == null) {
      return TorchValue.list(List.of());
    }
    int side = clip.config().imageSize();
    int embedDim = clip.config().embedDim();
    int count = reference.pixels().size();
    int textCount = reference.textFeatures().length / embedDim;
    if (count == 0 || textCount == 0 || reference.imageFeatures().length != count * embedDim) {
      throw new IllegalArgumentException(
          "reference: %d images, %d of their features, %d texts (expected: at least 1, %d, at least 1)"
              .formatted(count, reference.imageFeatures().length, textCount, count * embedDim));
    }
    try (TorchValue pixels = referencePixels.floats(reference.pixels(), count, 3, side, side);
        TorchValue images =
            referenceImages.floats(List.of(reference.imageFeatures()), count, embedDim);
        TorchValue known =
            referenceTexts.floats(List.of(reference.textFeatures()), textCount, embedDim)) {
      return TorchValue.list(List.of(pixels, images, known));
    }
  }

  /** L2-normalised features with the present weights: (B, E). */
  public float[] imageFeatures(List<float[]> pixels) {
    return pixels.isEmpty() ? new float[0] : clip.imageFeatures(pixels, pixels.size());
  }

  /** L2-normalised features with the present weights: (K, E). */
  public float[] textFeatures(List<int[]> tokens) {
    return tokens.isEmpty() ? new float[0] : clip.textFeatures(tokens);
  }

  /** Numbers that a step moves. */
  public long parameterCount() {
    return clip.parameterCount();
  }

  /** A mean of weights on the device that holds the present ones so far; the caller closes it. */
  public WeightMean mean() {
    return new WeightMean(clip);
  }

  /** Copies of all weights, under their Hugging Face names. */
  List<TensorData> weights() {
    return clip.named();
  }

  @Override
  public void close() {
    clip.close();
  }
}
