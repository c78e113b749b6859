package dev.perennial.server.device;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One image or text to embed.
 *
 * @param input what to embed
 * @param task null for the frozen encoder
 * @param gateWeight w in [0, 1] where a task is named
 */
public record EmbedQuery(
    Input input, @Nullable String task, float gateWeight, long deadlineNanos, Object source) {
  /** Pixels (3, S, S) or token ids. */
  public sealed interface Input {
    /** An image. */
    @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
    record Pixels(float[] values) implements Input {}

    /** A text. */
    record Tokens(List<Integer> ids) implements Input {}
  }
}
