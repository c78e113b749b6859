package dev.perennial.server.clip;

import static dev.perennial.server.clip.Golden.assertClose;
import static dev.perennial.server.clip.Golden.gates;
import static dev.perennial.server.clip.Golden.logits;
import static dev.perennial.server.clip.Golden.slots;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Against transformers and a plain reading of DIKI in float64: golden/clip/README.md. */
class ClipModelGoldenTest {
  /** Of features whose norm is 1; measured: 6.4e-7. */
  private static final double FP32_FEATURES = 2e-6;

  /** The promise, at scales up to 100; measured: 5e-5. */
  private static final double FP32_LOGITS = 1e-4;

  /**
   * Of features whose norm is 1; measured: 0.0092. bfloat16 has eight bits, and with few dimensions
   * little of its rounding averages out.
   */
  private static final double BF16_FEATURES = 0.02;

  static List<String> models() {
    return Golden.NAMES;
  }

  static Stream<Arguments> modelsAndWeights() {
    return Golden.NAMES.stream()
        .flatMap(name -> Stream.of(0f, 0.3f, 1f).map(w -> Arguments.of(name, w)));
  }

  @ParameterizedTest
  @MethodSource("models")
  void features_noTask_equalTransformers(String name) {
    Golden golden = new Golden(name);
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixBank empty = model.bank(List.of())) {
      float[] images = model.imageFeatures(golden.pixels(), empty, slots(4, 9), gates(4, 0));
      float[] texts = model.textFeatures(golden.tokens(), empty, slots(5, -1), gates(5, 0));

      assertClose(golden.floats("image_features"), images, FP32_FEATURES, "image features");
      assertClose(golden.floats("text_features"), texts, FP32_FEATURES, "text features");
      assertClose(golden.floats("logits"), logits(model, images, texts), FP32_LOGITS, "logits");
    }
  }

  @ParameterizedTest
  @MethodSource("modelsAndWeights")
  void features_oneTask_equalPlainDiki(String name, float w) {
    Golden golden = new Golden(name);
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixBank bank = model.bank(golden.tasks())) {
      for (int task = 0; task < Golden.TASKS; task++) {
        String what = "task." + task + ".w" + w + ".";
        float[] images = model.imageFeatures(golden.pixels(), bank, slots(4, task), gates(4, w));
        float[] texts = model.textFeatures(golden.tokens(), bank, slots(5, task), gates(5, w));
        float[] expectedImages = golden.floats(what + "image_features");
        float[] expectedTexts = golden.floats(what + "text_features");

        assertClose(expectedImages, images, FP32_FEATURES, what + "image");
        assertClose(expectedTexts, texts, FP32_FEATURES, what + "text");
        assertClose(
            logits(model, expectedImages, expectedTexts),
            logits(model, images, texts),
            FP32_LOGITS,
            what + "logits");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void features_rowsOfDifferentTasks_equalPlainDiki(String name) {
    Golden golden = new Golden(name);
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixBank bank = model.bank(golden.tasks())) {
      float[] images =
          model.imageFeatures(
              golden.pixels(),
              bank,
              golden.integers("mixed.image.slots"),
              golden.floats("mixed.image.weights"));
      float[] texts =
          model.textFeatures(
              golden.tokens(),
              bank,
              golden.integers("mixed.text.slots"),
              golden.floats("mixed.text.weights"));

      assertClose(golden.floats("mixed.image_features"), images, FP32_FEATURES, "images");
      assertClose(golden.floats("mixed.text_features"), texts, FP32_FEATURES, "texts");
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void features_halfPrecision_closeToPlainDiki(String name) {
    Golden golden = new Golden(name);
    try (ClipModel model = golden.load(Precision.BF16);
        PrefixBank bank = model.bank(golden.tasks())) {
      for (float w : new float[] {0, 0.3f, 1}) {
        String what = "task.0.w" + w + ".";
        float[] images = model.imageFeatures(golden.pixels(), bank, slots(4, 0), gates(4, w));
        float[] texts = model.textFeatures(golden.tokens(), bank, slots(5, 0), gates(5, w));

        assertClose(golden.floats(what + "image_features"), images, BF16_FEATURES, what + "image");
        assertClose(golden.floats(what + "text_features"), texts, BF16_FEATURES, what + "text");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void textFeatures_noPadding_sameBits(String name) {
    Golden golden = new Golden(name);
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixBank bank = model.bank(golden.tasks())) {
      List<int[]> cut = golden.tokens().stream().map(t -> upToEnd(t, golden.config)).toList();

      assertArrayEquals(
          model.textFeatures(golden.tokens(), bank, slots(5, 0), gates(5, 1)),
          model.textFeatures(cut, bank, slots(5, 0), gates(5, 1)));
    }
  }

  private static int[] upToEnd(int[] tokens, ClipConfig config) {
    int length = 0;
    while (tokens[length] != config.endOfTextId()) {
      length++;
    }
    return Arrays.copyOf(tokens, length + 1);
  }
}
