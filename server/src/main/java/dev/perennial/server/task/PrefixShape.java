package dev.perennial.server.task;

/**
 * How large a residual branch is.
 *
 * @param depth layers, from the first, that have one, in each tower (bounded by the tower's layers)
 * @param length P, learned keys and values per layer
 */
public record PrefixShape(int depth, int length) {
  /** Most layers with a branch. */
  public static final int MAX_DEPTH = 128;

  /** Most keys and values per layer. */
  public static final int MAX_LENGTH = 1024;

  public PrefixShape {
    require("prefix depth", depth, MAX_DEPTH);
    require("prefix length", length, MAX_LENGTH);
  }

  private static void require(String what, int value, int max) {
    if (value < 1 || value > max) {
      throw new IllegalArgumentException(what + ": " + value + " (expected: 1.." + max + ")");
    }
  }
}
