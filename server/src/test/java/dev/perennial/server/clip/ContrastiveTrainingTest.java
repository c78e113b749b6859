package dev.perennial.server.clip;

import static dev.perennial.server.clip.Golden.assertClose;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ContrastiveTraining.AuxiliaryTask;
import dev.perennial.server.clip.ContrastiveTraining.Step;
import dev.perennial.server.safetensors.TensorData;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class ContrastiveTrainingTest {
  private static final AuxiliaryTask AUXILIARY =
      new AuxiliaryTask(1, 3, new int[] {0, 2, 3}, new int[] {2, 0, 1}, 0.5f);

  /** The step that golden/clip/make.py takes. */
  static Step step(ContrastiveTraining training, Golden golden) {
    List<int[]> texts = golden.tokens();
    return training.step(pixels(golden), texts.subList(0, 4), texts, List.of(AUXILIARY), 1e-2f);
  }

  private static float[] pixels(Golden golden) {
    return golden.floats("pixels");
  }

  @Test
  void step_threeTimes_equalsTorchsAdamW() {
    Golden golden = new Golden("one-layer");
    float[] losses = golden.floats("pre_training.losses");
    try (ContrastiveTraining training =
        ContrastiveTraining.from(golden.config, "cpu", golden.weights)) {
      for (int i = 0; i < 3; i++) {
        Step step = step(training, golden);
        assertEquals(losses[2 * i], step.contrastiveLoss(), 1e-4, "contrastive loss " + i);
        assertEquals(losses[2 * i + 1], step.auxiliaryLoss(), 1e-4, "auxiliary loss " + i);
      }
      Map<String, TensorData> weights = named(training.weights());
      assertEquals(golden.weights.keySet(), weights.keySet());
      for (TensorData weight : weights.values()) {
        assertEquals(golden.weight(weight.name()).shape(), weight.shape(), weight.name());
        // The key's bias moves no output: its gradient is rounding, which AdamW blows up.
        if (!weight.name().endsWith("k_proj.bias")) {
          float[] expected = golden.floats("pre_training." + weight.name());
          assertClose(expected, weight.toFloats(), 1e-4, weight.name());
        }
      }
    }
  }

  private static Map<String, TensorData> named(List<TensorData> weights) {
    Map<String, TensorData> named = new TreeMap<>();
    weights.forEach(weight -> named.put(weight.name(), weight));
    return named;
  }

  @Test
  void step_manyTimes_learnsWhichCaptionIsWhose() {
    Golden golden = new Golden("quick-gelu");
    List<int[]> captions = golden.tokens().subList(0, 4);
    try (ContrastiveTraining training = ContrastiveTraining.start(golden.config, "cpu", 5)) {
      float before = 0;
      Step after = new Step(0, 0, 0);
      for (int i = 0; i < 60; i++) {
        after = training.step(pixels(golden), captions, List.of(), List.of(), 3e-3f);
        before = i == 0 ? after.contrastiveLoss() : before;
      }
      assertTrue(after.contrastiveLoss() < before / 5, before + " to " + after);
      assertEquals(0, after.auxiliaryLoss());
      assertTrue(after.logitScale() <= 100.001f);
    }
  }

  @Test
  void weights_loadedIntoAModel_giveTheSameFeatures() {
    Golden golden = new Golden("one-head");
    try (ContrastiveTraining training = ContrastiveTraining.start(golden.config, "cpu", 5)) {
      step(training, golden);
      try (ClipModel model =
              ClipModel.load(golden.config, named(training.weights()), "cpu", Precision.FP32);
          PrefixBank none = model.bank(List.of())) {
        assertArrayEquals(
            training.imageFeatures(pixels(golden), 4),
            model.imageFeatures(golden.pixels(), none, new int[4], new float[4]));
        assertArrayEquals(
            training.textFeatures(golden.tokens()),
            model.textFeatures(golden.tokens(), none, new int[5], new float[5]));
      }
    }
  }

  @Test
  void start_sameSeed_sameBitsAfterSteps() {
    Golden golden = new Golden("one-layer");
    assertArrayEquals(features(golden, 1), features(golden, 1));
    assertTrue(features(golden, 1)[0] != features(golden, 2)[0]);
  }

  private static float[] features(Golden golden, long seed) {
    try (ContrastiveTraining training = ContrastiveTraining.start(golden.config, "cpu", seed)) {
      for (int i = 0; i < 5; i++) {
        step(training, golden);
      }
      return training.imageFeatures(pixels(golden), 4);
    }
  }

  @Test
  void step_targetOutsideItsRange_refused() {
    Golden golden = new Golden("one-layer");
    List<int[]> texts = golden.tokens();
    AuxiliaryTask wrong = new AuxiliaryTask(3, 2, new int[] {0}, new int[] {2}, 1);
    try (ContrastiveTraining training = ContrastiveTraining.start(golden.config, "cpu", 1)) {
      assertThrows(
          IllegalArgumentException.class,
          () -> training.step(pixels(golden), texts.subList(0, 4), texts, List.of(wrong), 1e-3f));
    }
  }
}
