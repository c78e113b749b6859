package dev.perennial.server.clip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.djl.pytorch.jni.TorchProgram;
import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.task.PrefixShape;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PromptedClipTest {
  static List<String> models() {
    return Golden.NAMES;
  }

  private static Prompts prompts(Golden golden) {
    return new Prompts(3, golden.rows("prompts.image"), golden.rows("prompts.text"));
  }

  @ParameterizedTest
  @MethodSource("models")
  void features_givenPrompts_equalTorch(String name) {
    Golden golden = new Golden(name);
    try (ClipModel model = golden.load(Precision.FP32);
        PromptedClip prompted = PromptedClip.of(model, prompts(golden))) {
      assertClose(
          golden.floats("prompts.image_features"),
          prompted.imageFeatures(golden.pixels()),
          5e-6,
          "image features");
      assertClose(
          golden.floats("prompts.text_features"),
          prompted.textFeatures(golden.tokens()),
          5e-6,
          "text features");
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void gradients_givenPrompts_equalTorch(String name) {
    Golden golden = new Golden(name);
    try (ClipModel model = golden.load(Precision.FP32);
        PromptedClip prompted = PromptedClip.of(model, prompts(golden))) {
      int[] classes = golden.integers("classes");
      Prompts actual = prompted.gradients(golden.pixels(), classes, golden.tokens());
      assertClose(golden.rows("prompts.image.gradient"), actual.image(), "image");
      assertClose(golden.rows("prompts.text.gradient"), actual.text(), "text");
      assertEquals(
          golden.floats("prompts.loss")[0],
          prompted.step(golden.pixels(), classes, golden.tokens(), 1e-3f).loss(),
          1e-4);
    }
  }

  private static void assertClose(List<float[]> expected, List<float[]> actual, String what) {
    assertEquals(expected.size(), actual.size(), what);
    for (int i = 0; i < expected.size(); i++) {
      // Gradients of about 1 under a logit scale of 100, in float32.
      Golden.assertClose(expected.get(i), actual.get(i), 3e-5, what + " layer " + i);
    }
  }

  private static void assertClose(float[] expected, float[] actual, double tolerance, String what) {
    Golden.assertClose(expected, actual, tolerance, what);
  }

  @ParameterizedTest
  @MethodSource("models")
  void features_promptsOfNoTokens_areThePlainModels(String name) {
    Golden golden = new Golden(name);
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixBank none = model.bank(List.of());
        PromptedClip prompted = PromptedClip.of(model, Prompts.NONE)) {
      assertArrayEquals(
          model.imageFeatures(golden.pixels(), none, new int[4], new float[4]),
          prompted.imageFeatures(golden.pixels()));
      assertArrayEquals(
          model.textFeatures(golden.tokens(), none, new int[5], new float[5]),
          prompted.textFeatures(golden.tokens()));
    }
  }

  /** The sequence itself, by the program's own function. */
  @Test
  void prompted_eachLayer_lengthensOnceAndStandsBehindTheFirstToken() {
    Golden golden = new Golden("one-layer");
    try (TorchProgram program = TowersArchive.load(golden.config);
        TorchValue x = numbers(List.of(1f, 2f, 3f, 4f), 1, 4, 1);
        TorchValue longer = numbers(List.of(1f, 10f, 11f, 2f, 3f, 4f), 1, 6, 1);
        TorchValue first = numbers(List.of(10f, 11f), 2, 1);
        TorchValue second = numbers(List.of(20f, 21f), 2, 1);
        TorchValue prompts = TorchValue.list(List.of(first, second))) {
      assertArrayEquals(new float[] {1, 10, 11, 2, 3, 4}, prompted(program, x, prompts, 0));
      assertArrayEquals(new float[] {1, 20, 21, 2, 3, 4}, prompted(program, longer, prompts, 1));
      assertArrayEquals(new float[] {1, 10, 11, 2, 3, 4}, prompted(program, longer, prompts, 2));
    }
  }

  private static TorchValue numbers(List<Float> values, long... shape) {
    float[] numbers = new float[values.size()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = values.get(i);
    }
    return new HostBuffer().floats(List.of(numbers), shape);
  }

  private static float[] prompted(
      TorchProgram program, TorchValue x, TorchValue prompts, int layer) {
    try (TorchValue place = TorchValue.integer(layer);
        TorchValue tokens = program.call("prompted", Mode.INFERENCE, x, prompts, place)) {
      return tokens.toFloats();
    }
  }

  @Test
  void features_textsOfDifferentLengths_doNotDependOnEachOther() {
    Golden golden = new Golden("quick-gelu");
    int width = golden.config.embedDim();
    try (ClipModel model = golden.load(Precision.FP32);
        PromptedClip prompted = PromptedClip.of(model, prompts(golden))) {
      float[] together = prompted.textFeatures(golden.tokens());
      for (int i = 0; i < 5; i++) {
        Golden.assertClose(
            Arrays.copyOfRange(together, i * width, (i + 1) * width),
            prompted.textFeatures(List.of(golden.tokens().get(i))),
            5e-6,
            "text " + i);
      }
    }
  }

  @Test
  void step_manyTimes_learnsAndLeavesTheModel() {
    Golden golden = new Golden("quick-gelu");
    int[] classes = golden.integers("classes");
    try (ClipModel model = golden.load(Precision.FP32);
        PrefixBank none = model.bank(List.of());
        PromptedClip prompted = PromptedClip.start(model, new PrefixShape(2, 4), 3)) {
      float[] before = model.imageFeatures(golden.pixels(), none, new int[4], new float[4]);
      float first = prompted.step(golden.pixels(), classes, golden.tokens(), 0.03f).loss();
      PromptedClip.Step last = new PromptedClip.Step(first, 0);
      for (int i = 0; i < 80; i++) {
        last = prompted.step(golden.pixels(), classes, golden.tokens(), 0.03f);
      }
      assertTrue(last.loss() < first / 4, first + " to " + last);
      assertEquals(4, last.correct());
      assertArrayEquals(
          before, model.imageFeatures(golden.pixels(), none, new int[4], new float[4]));
    }
  }

  @Test
  void start_sameSeed_sameBitsAfterSteps() {
    Golden golden = new Golden("one-head");
    assertArrayEquals(trained(golden, 5), trained(golden, 5));
    assertFalse(Arrays.equals(trained(golden, 5), trained(golden, 6)));
  }

  private static float[] trained(Golden golden, long seed) {
    try (ClipModel model = golden.load(Precision.FP32);
        PromptedClip prompted = PromptedClip.start(model, new PrefixShape(3, 8), seed)) {
      for (int i = 0; i < 10; i++) {
        prompted.step(golden.pixels(), golden.integers("classes"), golden.tokens(), 0.01f);
      }
      return prompted.imageFeatures(golden.pixels());
    }
  }

  @Test
  void prompts_takenOut_giveTheSameFeatures() {
    Golden golden = new Golden("gelu-literal-end");
    try (ClipModel model = golden.load(Precision.FP32);
        PromptedClip learned = PromptedClip.start(model, new PrefixShape(9, 2), 1)) {
      learned.step(golden.pixels(), golden.integers("classes"), golden.tokens(), 0.1f);
      Prompts taken = learned.prompts();
      assertEquals(2 * (2 * 40 + 3 * 48), taken.parameterCount()); // as deep as each tower
      try (PromptedClip again = PromptedClip.of(model, taken)) {
        assertArrayEquals(
            learned.imageFeatures(golden.pixels()), again.imageFeatures(golden.pixels()));
        assertArrayEquals(
            learned.textFeatures(golden.tokens()), again.textFeatures(golden.tokens()));
      }
    }
  }
}
