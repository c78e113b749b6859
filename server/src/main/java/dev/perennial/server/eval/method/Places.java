package dev.perennial.server.eval.method;

/** Where in a row something is. Stateless. */
final class Places {
  private Places() {}

  /** The place of the highest value, the first of equals. */
  static int highest(float[] values) {
    int highest = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[highest]) {
        highest = i;
      }
    }
    return highest;
  }
}
