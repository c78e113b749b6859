package dev.perennial.client;

/** L2-normalised features of an image or text in CLIP's shared space. Immutable. */
public final class Embedding {
  private final float[] values;
  private final long epoch;

  private Embedding(float[] values, long epoch) {
    this.values = values;
    this.epoch = epoch;
  }

  static Embedding of(dev.perennial.v1.Embedding message) {
    float[] values = new float[message.getValuesCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = message.getValues(i);
    }
    return new Embedding(values, message.getEpoch());
  }

  /** The features; a copy. */
  public float[] values() {
    return values.clone();
  }

  /** As many as the model's embed dim. */
  public int size() {
    return values.length;
  }

  /** The pool's epoch that they were computed under. */
  public long epoch() {
    return epoch;
  }

  /** The cosine of the angle to another embedding of the same model, in [-1, 1]. */
  public double cosine(Embedding other) {
    if (other.values.length != values.length) {
      throw new IllegalArgumentException(
          "other: %d values (expected: %d)".formatted(other.values.length, values.length));
    }
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      sum += (double) values[i] * other.values[i];
    }
    return sum;
  }
}
