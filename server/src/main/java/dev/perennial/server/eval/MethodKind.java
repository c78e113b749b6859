package dev.perennial.server.eval;

import dev.perennial.server.clip.ClipConfig;

/**
 * A method that can be asked for by name. Immutable.
 *
 * @param name on the command line
 * @param source where it was published, and how ours differs
 * @param family methods of one family and seed run one after the other on one bench, and share what
 *     is alike; families run beside each other
 * @param parser reads its options
 */
public record MethodKind(String name, String source, String family, Parser parser) {
  /** Reads a method's options, all before anything starts. */
  @FunctionalInterface
  public interface Parser {
    /** Throws INVALID_ARGUMENT that names the option. */
    Opener parse(MethodOptions options, ClipConfig model);
  }

  /** Makes a method that has learnt nothing yet, on the bench's thread. */
  @FunctionalInterface
  public interface Opener {
    Method open(Bench bench);
  }
}
