package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.clip.TrainableClip.TextBuffers;
import dev.perennial.server.safetensors.TensorData;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A whole CLIP while it is pre-trained from nothing: symmetric cross-entropy over images and
 * captions (Radford et al. 2021, figure 3) plus auxiliary classifications against prompts; AdamW
 * with decoupled weight decay on matrices only, gradient norm clipped at 1, logit scale at most
 * 100. float32. Owned by one thread.
 */
public final class ContrastiveTraining implements AutoCloseable {
  private static final AdamW ADAM_W = new AdamW(0.05, 0.9, 0.98, 1e-6, 1);
  private static final double MAX_LOGIT_SCALE = 100;

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

  private final TrainableClip clip;
  private final TextBuffers captionBuffers = new TextBuffers();
  private final TextBuffers promptBuffers = new TextBuffers();

  private ContrastiveTraining(TrainableClip clip) {
    this.clip = clip;
  }

  /** Random weights from the seed, as in OpenAI's code (CLIP.initialize_parameters). */
  public static ContrastiveTraining start(ClipConfig config, String device, long seed) {
    return new ContrastiveTraining(TrainableClip.start(config, device, seed));
  }

  /** The optimiser starts anew from given weights. */
  public static ContrastiveTraining from(
      ClipConfig config, String device, Map<String, TensorData> weights) {
    return new ContrastiveTraining(TrainableClip.from(config, device, weights));
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
    Texts caption = Texts.of(captions, clip.config());
    Texts prompt = Texts.of(prompts, clip.config());
    List<AuxiliaryTask> present = auxiliary.stream().filter(t -> t.images().length > 0).toList();
    List<TorchValue> indices = new ArrayList<>();
    try (TorchValue step = TorchValue.integer(clip.nextStep());
        TorchValue numbers = ADAM_W.numbers(learningRate, Math.log(MAX_LOGIT_SCALE));
        TorchValue images = clip.images(List.of(pixels), captions.size());
        TorchValue captionIds = captionBuffers.ids(caption);
        TorchValue captionEnds = captionBuffers.ends(caption);
        TorchValue promptIds = promptBuffers.ids(prompt);
        TorchValue promptEnds = promptBuffers.ends(prompt);
        TorchValue chosen = lists(present.stream().map(AuxiliaryTask::images).toList(), indices);
        TorchValue targets = lists(present.stream().map(AuxiliaryTask::targets).toList(), indices);
        TorchValue ranges = ranges(present);
        TorchValue shares =
            TorchValue.numbers(present.stream().mapToDouble(AuxiliaryTask::weight).toArray());
        TorchValue report =
            clip.program()
                .call(
                    "contrastive_step",
                    Mode.GRADIENT,
                    clip.weights(),
                    clip.means(),
                    clip.squares(),
                    clip.imageWeights(),
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
                    clip.device())) {
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
    return clip.imageFeatures(List.of(pixels), batch);
  }

  /** L2-normalised features with the present weights, without gradients: (K, E). */
  public float[] textFeatures(List<int[]> tokens) {
    return clip.textFeatures(tokens);
  }

  /** Copies of all weights, float32, under their Hugging Face names. */
  public List<TensorData> weights() {
    return clip.named();
  }

  @Override
  public void close() {
    clip.close();
  }
}
