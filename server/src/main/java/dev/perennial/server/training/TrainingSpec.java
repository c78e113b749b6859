package dev.perennial.server.training;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.task.Template;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a job learns, and how; every default filled in. Immutable.
 *
 * @param classNames empty until the commit: the labels of the examples, sorted
 * @param requestId never trains twice
 * @param epochs 0 until the commit: the recipe decides by the number of examples ({@link
 *     Recipe#epochs})
 * @param statisticsOnly the examples are summed up and added to the task; nothing is trained, and
 *     recipe, shape and numbers have no meaning
 */
public record TrainingSpec(
    String task,
    List<String> classNames,
    String template,
    String requestId,
    Recipe recipe,
    GateKind gate,
    long seed,
    PrefixShape shape,
    int epochs,
    int batchSize,
    float learningRate,
    float validationShare,
    boolean statisticsOnly) {

  /** How the branch is trained. */
  public enum Recipe {
    /** Random shifts, and enough epochs that small tasks are not under-trained. */
    ROBUST,
    /** DIKI's: ten epochs, no augmentation. */
    OFFICIAL;

    /** Epochs of DIKI's published setting. */
    private static final int OFFICIAL_EPOCHS = 10;

    /**
     * Steps that the robust recipe aims at. With random shifts, 40 epochs of 6 steps and 20 epochs
     * of 18 raised the last accuracy on seven small tasks from 67.5 to 77.2 and from 75.7 to 81.0.
     */
    private static final int ROBUST_STEPS = 360;

    /** The most epochs that were found to help: beyond, few examples are only learned by heart. */
    private static final int ROBUST_MAX_EPOCHS = 40;

    /**
     * How often to go through so many examples: the official recipe's ten, or as often as gives 360
     * steps, at least 10 and at most 40 times.
     */
    public int epochs(long trainingExamples, int batchSize) {
      long steps = Math.max(1, (trainingExamples + batchSize - 1) / batchSize);
      return switch (this) {
        case OFFICIAL -> OFFICIAL_EPOCHS;
        case ROBUST -> {
          long epochs = (ROBUST_STEPS + steps - 1) / steps;
          yield (int) Math.max(OFFICIAL_EPOCHS, Math.min(ROBUST_MAX_EPOCHS, epochs));
        }
      };
    }
  }

  public TrainingSpec {
    classNames = List.copyOf(classNames);
  }

  /** One that trains. */
  public TrainingSpec(
      String task,
      List<String> classNames,
      String template,
      String requestId,
      Recipe recipe,
      GateKind gate,
      long seed,
      PrefixShape shape,
      int epochs,
      int batchSize,
      float learningRate,
      float validationShare) {
    this(
        task,
        classNames,
        template,
        requestId,
        recipe,
        gate,
        seed,
        shape,
        epochs,
        batchSize,
        learningRate,
        validationShare,
        false);
  }

  /**
   * Fills in every default for a model and checks all values.
   *
   * <p>The defaults are the published setting for ViT-B/16 (depth 8, prefix length 8, learning rate
   * 5, batch size 128) and what was found best for a tiny model (depth 3 of 4 layers, learning rate
   * 40, batch size 32; server/docs/measurements.md). Between them stand two rules: the depth is two
   * thirds of the image tower's layers, at most 8; and an image tower narrower than 256 takes the
   * tiny model's learning rate and batch size.
   *
   * @param template empty for {@link Template#DEFAULT}
   * @param requestId empty for one of our own
   * @throws dev.perennial.server.error.ServingException INVALID_ARGUMENT with the field as in the
   *     wire contract's {@code TrainRequest}
   */
  public static TrainingSpec resolve(
      String task,
      List<String> classNames,
      String template,
      String requestId,
      TrainingOptions options,
      ClipConfig model) {
    SpecRules.checkOptions(options, model);
    boolean small = isNarrow(model);
    Recipe recipe = orElse(options.recipe(), Recipe.ROBUST);
    int epochs = recipe == Recipe.OFFICIAL ? Recipe.OFFICIAL_EPOCHS : 0;
    TrainingSpec spec =
        new TrainingSpec(
            task,
            classNames,
            template.isEmpty() ? Template.DEFAULT : template,
            requestId.isEmpty() ? UUID.randomUUID().toString() : requestId,
            recipe,
            orElse(options.gate(), GateKind.ROBUST),
            options.seed(),
            new PrefixShape(
                orElse(options.depth(), SpecRules.defaultDepth(model)),
                orElse(options.prefixLength(), SpecRules.DEFAULT_PREFIX_LENGTH)),
            orElse(options.epochs(), epochs),
            orElse(options.batchSize(), small ? 32 : 128),
            orElse(options.learningRate(), small ? 40f : 5f),
            orElse(options.validationShare(), SpecRules.DEFAULT_VALIDATION_SHARE));
    SpecRules.check(spec, model);
    return spec;
  }

  /** Whether the model takes what was found best for the tiny one. */
  public static boolean isNarrow(ClipConfig model) {
    return model.image().width() < SpecRules.NARROW_MODEL_WIDTH;
  }

  /** The text that stands for a class. */
  public String prompt(String className) {
    return new Template(template).with(className);
  }

  /**
   * The same for examples of some of the task's classes that are summed up only.
   *
   * @param classes empty for all of them
   */
  public TrainingSpec forStatistics(List<String> classes) {
    return with(classes, epochs, true);
  }

  /** The same with the classes and epochs that were open until the commit. */
  TrainingSpec decided(List<String> classes, int decidedEpochs) {
    return with(classes, decidedEpochs, statisticsOnly);
  }

  private TrainingSpec with(List<String> classes, int decidedEpochs, boolean sumsOnly) {
    return new TrainingSpec(
        task,
        classes,
        template,
        requestId,
        recipe,
        gate,
        seed,
        shape,
        decidedEpochs,
        batchSize,
        learningRate,
        validationShare,
        sumsOnly);
  }

  private static <T> T orElse(@Nullable T value, T otherwise) {
    return value == null ? otherwise : value;
  }
}
