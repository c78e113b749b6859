package dev.perennial.client;

import java.util.Objects;

/** Hyper-parameters of a training run; what is not set has the recipe's value. Immutable. */
public final class TrainingOptions {
  /** Everything as the server's default recipe has it, seed 0. */
  public static final TrainingOptions DEFAULTS =
      new TrainingOptions(dev.perennial.v1.TrainingOptions.getDefaultInstance());

  private final dev.perennial.v1.TrainingOptions message;

  private TrainingOptions(dev.perennial.v1.TrainingOptions message) {
    this.message = message;
  }

  static TrainingOptions of(dev.perennial.v1.TrainingOptions message) {
    return new TrainingOptions(message);
  }

  /** How the branch is trained. */
  public enum Recipe {
    /** Random shifts and an iteration budget: small tasks are not under-trained. */
    ROBUST,
    /** As in the DIKI paper: ten epochs, no augmentation. */
    OFFICIAL
  }

  /** How an image's log-density becomes the branch's weight. */
  public enum Gate {
    /** Shrunk covariance and cross-fitted z. */
    ROBUST,
    /** The DIKI paper's. */
    PAPER
  }

  /** How the branch is trained. */
  public TrainingOptions recipe(Recipe recipe) {
    return new TrainingOptions(
        edit()
            .setRecipe(
                switch (recipe) {
                  case ROBUST -> dev.perennial.v1.Recipe.RECIPE_ROBUST;
                  case OFFICIAL -> dev.perennial.v1.Recipe.RECIPE_OFFICIAL;
                })
            .build());
  }

  /** How an image's log-density becomes the branch's weight. */
  public TrainingOptions gate(Gate gate) {
    return new TrainingOptions(
        edit()
            .setGate(
                switch (gate) {
                  case ROBUST -> dev.perennial.v1.Gate.GATE_ROBUST;
                  case PAPER -> dev.perennial.v1.Gate.GATE_PAPER;
                })
            .build());
  }

  /** The same seed on the same device gives the same version. */
  public TrainingOptions seed(long seed) {
    return new TrainingOptions(edit().setSeed(seed).build());
  }

  /** Layers, from the first, that get a residual branch in each tower. */
  public TrainingOptions depth(int layers) {
    return new TrainingOptions(edit().setDepth(layers).build());
  }

  /** Learned keys and values per layer. */
  public TrainingOptions prefixLength(int length) {
    return new TrainingOptions(edit().setPrefixLength(length).build());
  }

  /** Rounds over the training examples. */
  public TrainingOptions epochs(int epochs) {
    return new TrainingOptions(edit().setEpochs(epochs).build());
  }

  /** Images in a step. */
  public TrainingOptions batchSize(int images) {
    return new TrainingOptions(edit().setBatchSize(images).build());
  }

  /** The first step's learning rate. */
  public TrainingOptions learningRate(float rate) {
    return new TrainingOptions(edit().setLearningRate(rate).build());
  }

  /** Share of the examples, [0, 0.5], held out to choose the best epoch. */
  public TrainingOptions validationShare(float share) {
    return new TrainingOptions(edit().setValidationShare(share).build());
  }

  private dev.perennial.v1.TrainingOptions.Builder edit() {
    return message.toBuilder();
  }

  dev.perennial.v1.TrainingOptions message() {
    return message;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TrainingOptions options && message.equals(options.message);
  }

  @Override
  public int hashCode() {
    return Objects.hash(message);
  }

  /** Name and value of what is set, one a line. */
  @Override
  public String toString() {
    return message.toString();
  }
}
