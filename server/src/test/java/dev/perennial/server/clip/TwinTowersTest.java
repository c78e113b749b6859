package dev.perennial.server.clip;

import static dev.perennial.server.clip.Golden.assertClose;

import dev.perennial.server.task.Prefixes;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The fast program and its slow twin agree, on rows with tasks and weights of their own. */
class TwinTowersTest {
  private static final double TOLERANCE = 5e-6;
  private static final int[] SLOTS = {2, 0, 1, 1, 0};
  private static final float[] GATES = {1, 0.5f, 0, 0.25f, 1};

  static List<String> models() {
    return Golden.NAMES;
  }

  @ParameterizedTest
  @MethodSource("models")
  void imageFeatures_mixedRows_equalTheTwin(String name) {
    Golden golden = new Golden(name);
    TwinTowers twin = new TwinTowers(golden.config, golden.weights);
    List<Prefixes> tasks = golden.tasks();
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixBank bank = model.bank(tasks)) {
      List<float[]> pixels = golden.pixels();
      float[] fast =
          model.imageFeatures(pixels, bank, Arrays.copyOf(SLOTS, 4), Arrays.copyOf(GATES, 4));
      for (int i = 0; i < pixels.size(); i++) {
        float[] slow = twin.imageFeatures(pixels.get(i), tasks.get(SLOTS[i]), GATES[i]);
        assertClose(slow, row(fast, i, golden.config), TOLERANCE, "image " + i);
        if (GATES[i] == 0) {
          float[] plain = twin.imageFeatures(pixels.get(i), null, 0);
          assertClose(plain, row(fast, i, golden.config), TOLERANCE, "frozen image " + i);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void textFeatures_mixedRows_equalTheTwin(String name) {
    Golden golden = new Golden(name);
    TwinTowers twin = new TwinTowers(golden.config, golden.weights);
    List<Prefixes> tasks = golden.tasks();
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixBank bank = model.bank(tasks)) {
      List<int[]> tokens = golden.tokens();
      float[] fast = model.textFeatures(tokens, bank, SLOTS, GATES);
      int[] ends = Texts.of(tokens, golden.config).ends();
      for (int i = 0; i < tokens.size(); i++) {
        float[] slow = twin.textFeatures(tokens.get(i), ends[i], tasks.get(SLOTS[i]), GATES[i]);
        assertClose(slow, row(fast, i, golden.config), TOLERANCE, "text " + i);
      }
    }
  }

  private static float[] row(float[] features, int row, ClipConfig config) {
    return Arrays.copyOfRange(features, row * config.embedDim(), (row + 1) * config.embedDim());
  }
}
