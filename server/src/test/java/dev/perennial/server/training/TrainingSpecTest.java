package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.task.PrefixShape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingSpecTest {

  private static final ClipConfig TINY = model(128, 4, 96, 3);
  private static final ClipConfig VIT_B_16 = model(768, 12, 512, 12);
  private static final List<String> CLASSES = List.of("ant", "bee");

  @Test
  void resolve_nothingGivenForTheTinyModel_itsDefaults() {
    TrainingSpec spec = resolve(TINY, TrainingOptions.DEFAULT);
    assertEquals(new PrefixShape(3, 8), spec.shape());
    assertEquals(40f, spec.learningRate());
    assertEquals(32, spec.batchSize());
    assertEquals(TrainingSpec.Recipe.ROBUST, spec.recipe());
    assertEquals(GateKind.ROBUST, spec.gate());
    assertEquals(0, spec.epochs()); // decided at the commit
    assertEquals(0.1f, spec.validationShare());
    assertEquals(0, spec.seed());
    assertEquals("a photo of a {}", spec.template());
    assertEquals("a photo of a bee", spec.prompt("bee"));
    assertFalse(spec.requestId().isEmpty());
    assertNotEquals(spec.requestId(), resolve(TINY, TrainingOptions.DEFAULT).requestId());
  }

  @Test
  void resolve_nothingGivenForVitB16_thePublishedSetting() {
    TrainingSpec spec = resolve(VIT_B_16, options(TrainingSpec.Recipe.OFFICIAL));
    assertEquals(new PrefixShape(8, 8), spec.shape());
    assertEquals(5f, spec.learningRate());
    assertEquals(128, spec.batchSize());
    assertEquals(10, spec.epochs());
  }

  @ParameterizedTest
  @CsvSource({"1,1", "2,1", "3,2", "4,3", "6,4", "12,8", "24,8"})
  void resolve_layers_twoThirdsAtMostEight(int layers, int depth) {
    assertEquals(
        depth, resolve(model(768, layers, 512, 12), TrainingOptions.DEFAULT).shape().depth());
  }

  /** The two measured points (40 epochs of 6 steps, 20 of 18), the bounds, and the official ten. */
  @ParameterizedTest
  @CsvSource({
    "176,32,40",
    "550,32,20",
    "1,32,40",
    "0,32,40",
    "1152,32,10",
    "1000000,32,10",
    "495,32,23"
  })
  void epochs_robust_about360Steps(long examples, int batchSize, int epochs) {
    assertEquals(epochs, TrainingSpec.Recipe.ROBUST.epochs(examples, batchSize));
    assertEquals(10, TrainingSpec.Recipe.OFFICIAL.epochs(examples, batchSize));
  }

  @Test
  void resolve_everythingGiven_kept() {
    TrainingSpec spec =
        TrainingSpec.resolve(
            "a-1_b",
            CLASSES,
            "{}!",
            "request",
            new TrainingOptions(
                TrainingSpec.Recipe.OFFICIAL, GateKind.PAPER, -1, 2, 64, 1000, 1024, 0.5f, 0.5f),
            TINY);
    assertEquals(
        new TrainingSpec(
            "a-1_b",
            CLASSES,
            "{}!",
            "request",
            TrainingSpec.Recipe.OFFICIAL,
            GateKind.PAPER,
            -1,
            new PrefixShape(2, 64),
            1000,
            1024,
            0.5f,
            0.5f),
        spec);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "A", "1a", "-a", "a b", "ä", "a.b", "a/../b", "a\n"})
  void resolve_badTaskName_refused(String task) {
    assertBad("spec.task", "BAD_TASK_NAME", task, CLASSES, "{}", "r");
    assertBad("spec.task", "BAD_TASK_NAME", "a".repeat(64), CLASSES, "{}", "r");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a photo", "{} and {}", "{", "}{"})
  void resolve_badTemplate_refused(String template) {
    assertBad("spec.template", "BAD_TEMPLATE", "a", CLASSES, template, "r");
  }

  @Test
  void resolve_badClasses_refusedWithTheirPlace() {
    List<String> blank = List.of("ant", " \t");
    assertBad("spec.class_names[1]", "BAD_CLASS_NAME", "a", blank, "{}", "r");
    List<String> empty = List.of("", "ant");
    assertBad("spec.class_names[0]", "BAD_CLASS_NAME", "a", empty, "{}", "r");
    List<String> twice = List.of("ant", "bee", "ant");
    assertBad("spec.class_names[2]", "DUPLICATE_CLASS_NAME", "a", twice, "{}", "r");
    List<String> one = List.of("ant");
    assertBad("spec.class_names", "TOO_FEW_CLASSES", "a", one, "{}", "r");
    List<String> many =
        new ArrayList<>(IntStream.rangeClosed(0, 10_000).mapToObj(i -> "c" + i).toList());
    assertBad("spec.class_names", "BAD_CLASSES", "a", many, "{}", "r");
    many.remove(0);
    TrainingSpec.resolve("a", many, "", "", TrainingOptions.DEFAULT, TINY);
    List<String> emoji = List.of("\uD83D\uDC1C", "\uD83D\uDC1D");
    TrainingSpec.resolve("a", emoji, "", "", TrainingOptions.DEFAULT, TINY);
  }

  @Test
  void resolve_badRequestId_refused() {
    assertBad("spec.request_id", "BAD_REQUEST_ID", "a", CLASSES, "{}", "x".repeat(129));
    assertBad("spec.request_id", "BAD_REQUEST_ID", "a", CLASSES, "{}", " ");
  }

  @ParameterizedTest
  @CsvSource({
    "depth,0",
    "depth,5",
    "depth,-1",
    "prefix_length,0",
    "prefix_length,65",
    "epochs,0",
    "epochs,1001",
    "batch_size,0",
    "batch_size,1025"
  })
  void resolve_wholeNumberOutOfBounds_refused(String option, int value) {
    assertBadOption(
        option,
        new TrainingOptions(
            null,
            null,
            0,
            option.equals("depth") ? value : null,
            option.equals("prefix_length") ? value : null,
            option.equals("epochs") ? value : null,
            option.equals("batch_size") ? value : null,
            null,
            null));
  }

  @ParameterizedTest
  @ValueSource(floats = {0f, -1f, Float.NaN, Float.POSITIVE_INFINITY})
  void resolve_badLearningRate_refused(float value) {
    assertBadOption(
        "learning_rate", new TrainingOptions(null, null, 0, null, null, null, null, value, null));
  }

  @ParameterizedTest
  @ValueSource(floats = {-0.1f, 0.51f, Float.NaN})
  void resolve_badValidationShare_refused(float value) {
    assertBadOption(
        "validation_share",
        new TrainingOptions(null, null, 0, null, null, null, null, null, value));
  }

  private static void assertBadOption(String option, TrainingOptions options) {
    ServingException e = assertThrows(ServingException.class, () -> resolve(TINY, options));
    assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
    assertEquals("spec.options." + option, e.field());
  }

  private static void assertBad(
      String field,
      String reason,
      String task,
      List<String> classes,
      String template,
      String requestId) {
    ServingException e =
        assertThrows(
            ServingException.class,
            () ->
                TrainingSpec.resolve(
                    task, classes, template, requestId, TrainingOptions.DEFAULT, TINY));
    assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
    assertEquals(field, e.field());
    assertEquals(reason, e.reason());
  }

  private static TrainingSpec resolve(ClipConfig model, TrainingOptions options) {
    return TrainingSpec.resolve("a", CLASSES, "", "", options, model);
  }

  private static TrainingOptions options(TrainingSpec.Recipe recipe) {
    return new TrainingOptions(recipe, null, 0, null, null, null, null, null, null);
  }

  private static ClipConfig model(int width, int layers, int textWidth, int textLayers) {
    return new ClipConfig(
        new ClipConfig.Tower(width, layers, 2, width, ClipConfig.Activation.QUICK_GELU, 1e-5),
        new ClipConfig.Tower(
            textWidth, textLayers, 2, textWidth, ClipConfig.Activation.QUICK_GELU, 1e-5),
        32,
        4,
        16,
        64,
        128,
        62,
        63,
        false);
  }
}
