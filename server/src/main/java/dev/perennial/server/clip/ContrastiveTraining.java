package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram;
import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.safetensors.TensorData;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * A whole CLIP while it is pre-trained from nothing: symmetric cross-entropy over images and
 * captions (Radford et al. 2021, figure 3) plus auxiliary classifications against prompts; AdamW
 * with decoupled weight decay on matrices only, gradient norm clipped at 1, logit scale at most
 * 100. float32. Owned by one thread.
 */
public final class ContrastiveTraining implements AutoCloseable {
  private static final double WEIGHT_DECAY = 0.05;
  private static final double BETA_1 = 0.9;
  private static final double BETA_2 = 0.98;
  private static final double EPSILON = 1e-6;
  private static final double MAX_GRADIENT_NORM = 1;
  private static final double MAX_LOGIT_SCALE = 100;
  private static final double FIRST_LOGIT_SCALE = 1 / 0.07;

  /**
   * A weighted cross-entropy of some of the batch's images against some of the prompts.
   *
   * @param firstPrompt start of the range of prompts that are compared
   * @param promptCount length of that range
   * @param images places in the batch
   * @param targets per image its right prompt, counted from firstPrompt
   */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  public record AuxiliaryTask(
      int firstPrompt, int promptCount, int[] images, int[] targets, float weight) {}

  /** Contrastive loss, weighted sum of auxiliary losses, and logit scale. */
  public record Step(float contrastiveLoss, float auxiliaryLoss, float logitScale) {}

  private final ClipConfig config;
  private final List<WeightLayout.Entry> entries;
  private final int imageWeights;
  private final TorchProgram program;
  private final TorchValue device;
  private final TorchValue weights;
  private final TorchValue means;
  private final TorchValue squares;
  private int steps;

  private final HostBuffer pixelsBuffer = new HostBuffer();
  private final TextBuffers captionBuffers = new TextBuffers();
  private final TextBuffers promptBuffers = new TextBuffers();

  /** Ids and ends of the texts of one call. */
  private static final class TextBuffers {
    private final HostBuffer tokens = new HostBuffer();
    private final HostBuffer ends = new HostBuffer();
  }

  private ContrastiveTraining(
      ClipConfig config,
      List<WeightLayout.Entry> entries,
      TorchProgram program,
      TorchValue device,
      TorchValue weights,
      TorchValue means,
      TorchValue squares) {
    this.config = config;
    this.entries = entries;
    this.imageWeights = WeightLayout.image(config).size();
    this.program = program;
    this.device = device;
    this.weights = weights;
    this.means = means;
    this.squares = squares;
  }

  /** Random weights from the seed, as in OpenAI's code (CLIP.initialize_parameters). */
  public static ContrastiveTraining start(ClipConfig config, String device, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return open(
        config,
        device,
        (program, entries) -> {
          try (TorchValue target = TorchValue.text(device)) {
            return filled(program, entries, target, entry -> random(entry, random));
          }
        });
  }

  /** The optimiser starts anew from given weights. */
  public static ContrastiveTraining from(
      ClipConfig config, String device, Map<String, TensorData> weights) {
    return open(
        config,
        device,
        (program, entries) -> Weights.place(program, entries, weights, device, Precision.FP32));
  }

  private static ContrastiveTraining open(
      ClipConfig config,
      String device,
      BiFunction<TorchProgram, List<WeightLayout.Entry>, TorchValue> weights) {
    ClipModel.checkDevice(device);
    List<WeightLayout.Entry> entries = new ArrayList<>();
    entries.add(WeightLayout.logitScale(Math.log(FIRST_LOGIT_SCALE)));
    entries.addAll(WeightLayout.image(config));
    entries.addAll(WeightLayout.text(config));
    TorchProgram program = TowersArchive.load(config);
    TorchValue target = TorchValue.text(device);
    List<TorchValue> lists = new ArrayList<>();
    try {
      Weights.checkUsable(program, device);
      lists.add(weights.apply(program, entries));
      lists.add(filled(program, entries, target, ContrastiveTraining::zeros));
      lists.add(filled(program, entries, target, ContrastiveTraining::zeros));
    } catch (RuntimeException e) {
      lists.forEach(TorchValue::close);
      target.close();
      program.close();
      throw e;
    }
    return new ContrastiveTraining(
        config, entries, program, target, lists.get(0), lists.get(1), lists.get(2));
  }

  private static float[] zeros(WeightLayout.Entry entry) {
    return new float[Math.toIntExact(entry.elementCount())];
  }

  private static float[] random(WeightLayout.Entry entry, SplittableRandom random) {
    WeightLayout.Init init = entry.init();
    float[] values = zeros(entry);
    for (int i = 0; i < values.length; i++) {
      double noise = init.standardDeviation() == 0 ? 0 : random.nextGaussian();
      values[i] = (float) (init.mean() + init.standardDeviation() * noise);
    }
    return values;
  }

  /** One tensor per entry, on the device. */
  private static TorchValue filled(
      TorchProgram program,
      List<WeightLayout.Entry> entries,
      TorchValue device,
      Function<WeightLayout.Entry, float[]> values) {
    HostBuffer host = new HostBuffer();
    List<TorchValue> placed = new ArrayList<>();
    try (TorchValue full = TorchValue.integer(0)) {
      for (WeightLayout.Entry entry : entries) {
        try (TorchValue view = host.floats(List.of(values.apply(entry)), entry.rows())) {
          placed.add(program.call("place", Mode.NO_GRADIENT, view, device, full));
        }
      }
      return TorchValue.list(placed);
    } finally {
      placed.forEach(TorchValue::close);
    }
  }

  /**
   * One step of AdamW (betas 0.9, 0.98, eps 1e-6, weight decay 0.05).
   *
   * @param pixels (B, 3, S, S) row-major
   * @param captions token ids of each image's caption
   * @param prompts token ids of the auxiliary prompts
   */
  public Step step(
      float[] pixels,
      List<int[]> captions,
      List<int[]> prompts,
      List<AuxiliaryTask> auxiliary,
      float learningRate) {
    check(captions.size(), prompts.size(), auxiliary);
    Texts caption = Texts.of(captions, config);
    Texts prompt = Texts.of(prompts, config);
    List<AuxiliaryTask> present = auxiliary.stream().filter(t -> t.images().length > 0).toList();
    List<TorchValue> indices = new ArrayList<>();
    steps++;
    try (TorchValue imageCount = TorchValue.integer(imageWeights);
        TorchValue step = TorchValue.integer(steps);
        TorchValue numbers =
            TorchValue.numbers(
                learningRate,
                WEIGHT_DECAY,
                BETA_1,
                BETA_2,
                EPSILON,
                MAX_GRADIENT_NORM,
                Math.log(MAX_LOGIT_SCALE));
        TorchValue images = images(pixels, captions.size());
        TorchValue captionIds = ids(captionBuffers, caption);
        TorchValue captionEnds = captionBuffers.ends.longs(caption.ends());
        TorchValue promptIds = ids(promptBuffers, prompt);
        TorchValue promptEnds = promptBuffers.ends.longs(prompt.ends());
        TorchValue chosen = lists(present.stream().map(AuxiliaryTask::images).toList(), indices);
        TorchValue targets = lists(present.stream().map(AuxiliaryTask::targets).toList(), indices);
        TorchValue ranges = ranges(present);
        TorchValue shares =
            TorchValue.numbers(present.stream().mapToDouble(AuxiliaryTask::weight).toArray());
        TorchValue report =
            program.call(
                "contrastive_step",
                Mode.GRADIENT,
                weights,
                means,
                squares,
                imageCount,
                step,
                numbers,
                images,
                captionIds,
                captionEnds,
                promptIds,
                promptEnds,
                chosen,
                targets,
                ranges,
                shares,
                device)) {
      float[] values = report.toFloats();
      return new Step(values[0], values[1], values[2]);
    } finally {
      indices.forEach(TorchValue::close);
    }
  }

  private static void check(int batch, int prompts, List<AuxiliaryTask> auxiliary) {
    for (AuxiliaryTask task : auxiliary) {
      boolean range = task.firstPrompt() >= 0 && task.promptCount() > 0;
      if (!range || task.firstPrompt() > prompts - task.promptCount()) {
        throw new IllegalArgumentException(
            "prompts: %d from %d (expected: within %d)"
                .formatted(task.promptCount(), task.firstPrompt(), prompts));
      }
      if (task.images().length != task.targets().length) {
        throw new IllegalArgumentException(
            "targets: %d (expected: %d)".formatted(task.targets().length, task.images().length));
      }
      for (int i = 0; i < task.images().length; i++) {
        int image = task.images()[i];
        int target = task.targets()[i];
        if (image < 0 || image >= batch || target < 0 || target >= task.promptCount()) {
          throw new IllegalArgumentException(
              "image %d, target %d (expected: below %d and %d)"
                  .formatted(image, target, batch, task.promptCount()));
        }
      }
    }
  }

  private TorchValue images(float[] pixels, int batch) {
    int side = config.imageSize();
    long expected = 3L * side * side * batch;
    if (pixels.length != expected) {
      throw new IllegalArgumentException(
          "pixels: %d (expected: %d)".formatted(pixels.length, expected));
    }
    return pixelsBuffer.floats(List.of(pixels), batch, 3, side, side);
  }

  private static TorchValue ids(TextBuffers buffers, Texts texts) {
    return buffers.tokens.longs(texts.tokens(), texts.count(), texts.length());
  }

  /** A list of int64 vectors; what it views is kept by the values that are added to owned. */
  private static TorchValue lists(List<int[]> vectors, List<TorchValue> owned) {
    List<TorchValue> values = vectors.stream().map(v -> new HostBuffer().longs(v)).toList();
    owned.addAll(values);
    return TorchValue.list(values);
  }

  private static TorchValue ranges(List<AuxiliaryTask> tasks) {
    long[] ranges = new long[2 * tasks.size()];
    for (int j = 0; j < tasks.size(); j++) {
      long first = tasks.get(j).firstPrompt();
      ranges[2 * j] = first;
      ranges[2 * j + 1] = first + tasks.get(j).promptCount();
    }
    return TorchValue.integers(ranges);
  }

  /** L2-normalised features with the present weights, without gradients: (B, E). */
  public float[] imageFeatures(float[] pixels, int batch) {
    try (TorchValue images = images(pixels, batch);
        TorchValue part = part("image_part");
        TorchValue features =
            program.call("image_features", Mode.INFERENCE, part, images, device)) {
      return features.toFloats();
    }
  }

  /** L2-normalised features with the present weights, without gradients: (K, E). */
  public float[] textFeatures(List<int[]> tokens) {
    Texts texts = Texts.of(tokens, config);
    try (TorchValue ids = ids(captionBuffers, texts);
        TorchValue ends = captionBuffers.ends.longs(texts.ends());
        TorchValue part = part("text_part");
        TorchValue features =
            program.call("text_features", Mode.INFERENCE, part, ids, ends, device)) {
      return features.toFloats();
    }
  }

  private TorchValue part(String method) {
    try (TorchValue count = TorchValue.integer(imageWeights)) {
      return program.call(method, Mode.NO_GRADIENT, weights, count);
    }
  }

  /** Copies of all weights, float32, under their Hugging Face names. */
  public List<TensorData> weights() {
    List<float[]> values;
    try (TorchValue copies = program.call("to_host", Mode.NO_GRADIENT, weights)) {
      values = copies.toFloatLists();
    }
    List<TensorData> named = new ArrayList<>();
    for (int i = 0; i < entries.size(); i++) {
      WeightLayout.Entry entry = entries.get(i);
      int count = values.get(i).length / entry.names().size();
      for (int j = 0; j < entry.names().size(); j++) {
        float[] part = Arrays.copyOfRange(values.get(i), j * count, (j + 1) * count);
        named.add(TensorData.ofFloats(entry.names().get(j), entry.shape(), part));
      }
    }
    return named;
  }

  @Override
  public void close() {
    weights.close();
    means.close();
    squares.close();
    device.close();
    program.close();
  }
}
