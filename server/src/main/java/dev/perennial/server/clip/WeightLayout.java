package dev.perennial.server.clip;

import dev.perennial.server.clip.ClipConfig.Tower;
import java.util.ArrayList;
import java.util.List;

/**
 * Which published weights make up the lists of tensors that the towers' program takes, in its
 * order: the one place that knows a weight's Hugging Face name.
 */
final class WeightLayout {
  /** Logarithm of the scale of the logits, a scalar. */
  static final String LOGIT_SCALE = "logit_scale";

  /**
   * Tensors of the same shape that the program wants under each other as one.
   *
   * @param names published names
   * @param shape published shape of each
   * @param rows first dimension of the whole, and the product of the others
   * @param half whether it may be kept in half precision
   * @param init how a model that starts from nothing fills it
   */
  @SuppressWarnings("ArrayRecordComponent") // a shape as the program takes it, never compared
  record Entry(List<String> names, List<Long> shape, long[] rows, boolean half, Init init) {
    long elementCount() {
      long count = names.size();
      for (long length : shape) {
        count *= length;
      }
      return count;
    }
  }

  /** Normal with the given standard deviation around a mean; the deviation may be 0. */
  record Init(double mean, double standardDeviation) {
    static final Init ZEROS = new Init(0, 0);
    static final Init ONES = new Init(1, 0);

    /** Deviation 1 / sqrt(count). */
    static Init scaled(long count) {
      return normal(1 / Math.sqrt((double) count));
    }

    static Init normal(double standardDeviation) {
      return new Init(0, standardDeviation);
    }
  }

  private final List<Entry> entries = new ArrayList<>();

  private WeightLayout() {}

  /** The scale of the logits as an entry of its own. */
  static Entry logitScale(double init) {
    return new Entry(List.of(LOGIT_SCALE), List.of(), new long[0], false, new Init(init, 0));
  }

  /** The image tower's weights. */
  static List<Entry> image(ClipConfig config) {
    WeightLayout layout = new WeightLayout();
    Tower tower = config.image();
    long width = tower.width();
    long patch = config.patchSize();
    Init small = Init.scaled(width);
    String prefix = "vision_model.";
    layout.vector(prefix + "embeddings.class_embedding", width, small);
    layout.add(
        List.of(prefix + "embeddings.patch_embedding.weight"),
        List.of(width, 3L, patch, patch),
        true,
        // torch's default of a convolution is uniform within 1 / sqrt(fan in); this is its
        // deviation.
        Init.scaled(3 * 3 * patch * patch));
    layout.matrix(
        prefix + "embeddings.position_embedding.weight", config.imageTokens(), width, false, small);
    layout.layerNorm(prefix + "pre_layrnorm", width); // sic
    layout.layers(prefix, tower);
    layout.layerNorm(prefix + "post_layernorm", width);
    layout.matrix("visual_projection.weight", config.embedDim(), width, false, small);
    return List.copyOf(layout.entries);
  }

  /** The text tower's weights. */
  static List<Entry> text(ClipConfig config) {
    WeightLayout layout = new WeightLayout();
    Tower tower = config.text();
    long width = tower.width();
    String prefix = "text_model.";
    layout.matrix(
        prefix + "embeddings.token_embedding.weight",
        config.vocabularySize(),
        width,
        false,
        Init.normal(0.02));
    layout.matrix(
        prefix + "embeddings.position_embedding.weight",
        config.contextLength(),
        width,
        false,
        Init.normal(0.01));
    layout.layers(prefix, tower);
    layout.layerNorm(prefix + "final_layer_norm", width);
    layout.matrix("text_projection.weight", config.embedDim(), width, false, Init.scaled(width));
    return List.copyOf(layout.entries);
  }

  private void layers(String prefix, Tower tower) {
    long width = tower.width();
    long mlp = tower.mlpWidth();
    Init attention = Init.scaled(width);
    Init projection = Init.scaled(2 * width * tower.layers());
    Init perceptron = Init.scaled(2 * width);
    for (int i = 0; i < tower.layers(); i++) {
      String layer = prefix + "encoder.layers." + i + ".";
      layerNorm(layer + "layer_norm1", width);
      String self = layer + "self_attn.";
      List<Long> square = List.of(width, width);
      add(joined(self, "weight"), square, true, attention);
      add(joined(self, "bias"), List.of(width), true, Init.ZEROS);
      linear(self + "out_proj", width, width, projection);
      layerNorm(layer + "layer_norm2", width);
      linear(layer + "mlp.fc1", mlp, width, perceptron);
      linear(layer + "mlp.fc2", width, mlp, projection);
    }
  }

  private static List<String> joined(String self, String kind) {
    return List.of(self + "q_proj." + kind, self + "k_proj." + kind, self + "v_proj." + kind);
  }

  private void linear(String name, long rows, long columns, Init init) {
    matrix(name + ".weight", rows, columns, true, init);
    add(List.of(name + ".bias"), List.of(rows), true, Init.ZEROS);
  }

  private void layerNorm(String name, long width) {
    vector(name + ".weight", width, Init.ONES);
    vector(name + ".bias", width, Init.ZEROS);
  }

  private void vector(String name, long length, Init init) {
    add(List.of(name), List.of(length), false, init);
  }

  private void matrix(String name, long rows, long columns, boolean half, Init init) {
    add(List.of(name), List.of(rows, columns), half, init);
  }

  private void add(List<String> names, List<Long> shape, boolean half, Init init) {
    long first = shape.get(0) * names.size();
    long rest = shape.stream().skip(1).reduce(1L, Math::multiplyExact);
    long[] rows = shape.size() == 1 ? new long[] {first} : new long[] {first, rest};
    entries.add(new Entry(names, shape, rows, half, init));
  }
}
