package dev.perennial.server.task;

import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.safetensors.DataType;
import dev.perennial.server.safetensors.TensorData;
import java.util.List;
import java.util.Map;

/**
 * Statistics in a safetensors file: {@code statistics.class_counts} (K), {@code
 * statistics.class_sums} (K, d), {@code statistics.products} (d (d + 1) / 2, the upper triangle row
 * by row), I64. Pure functions.
 */
final class StatisticsTensors {
  private static final String CLASS_COUNTS = "statistics.class_counts";
  private static final String CLASS_SUMS = "statistics.class_sums";
  private static final String PRODUCTS = "statistics.products";

  private StatisticsTensors() {}

  static void add(List<TensorData> tensors, FeatureStatistics statistics) {
    long classes = statistics.classes();
    long dimension = statistics.dimension();
    long[] products = statistics.products();
    tensors.add(TensorData.ofLongs(CLASS_COUNTS, List.of(classes), statistics.classCounts()));
    tensors.add(
        TensorData.ofLongs(CLASS_SUMS, List.of(classes, dimension), statistics.classSums()));
    tensors.add(TensorData.ofLongs(PRODUCTS, List.of((long) products.length), products));
  }

  /** Takes them out of the map; throws IllegalArgumentException that says what is wrong. */
  static FeatureStatistics take(Map<String, TensorData> tensors) {
    long[] counts = take(tensors, CLASS_COUNTS, DataType.I64).toLongs();
    TensorData sums = take(tensors, CLASS_SUMS, DataType.I64);
    if (sums.shape().size() != 2 || sums.shape().get(0) != counts.length) {
      throw new IllegalArgumentException(
          CLASS_SUMS + ": shape " + sums.shape() + " (expected: (" + counts.length + ", d))");
    }
    return FeatureStatistics.restore(
        Math.toIntExact(sums.shape().get(1)),
        counts,
        sums.toLongs(),
        take(tensors, PRODUCTS, DataType.I64).toLongs());
  }

  /** Takes one tensor out of the map. */
  static TensorData take(Map<String, TensorData> tensors, String name, DataType type) {
    TensorData tensor = tensors.remove(name);
    if (tensor == null || tensor.type() != type) {
      throw new IllegalArgumentException(
          name + ": " + (tensor == null ? "missing" : tensor.type()) + " (expected: " + type + ")");
    }
    return tensor;
  }
}
