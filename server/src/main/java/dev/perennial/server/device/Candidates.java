package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import org.jspecify.annotations.Nullable;

/** The labels that an image is compared with. */
public sealed interface Candidates {
  /** The caller's own list. */
  record Explicit(LabelSet labels) implements Candidates {}

  /** One task's classes, in its template. */
  record TaskClasses(String task) implements Candidates {}

  /**
   * The classes of every task of the snapshot that the answer is computed under, and labels of the
   * caller's own beside them.
   */
  record AllKnown(@Nullable LabelSet extra) implements Candidates {}
}
