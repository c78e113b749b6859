package dev.perennial.server.cluster;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Waits for what members answer. Stateless. */
public final class Answers {
  /** The reason where a member does not answer, or is gone. */
  public static final String SILENT = "MEMBER_SILENT";

  private Answers() {}

  /** One answer; throws UNAVAILABLE where the member is silent or gone. */
  public static byte[] await(String member, CompletableFuture<byte[]> answer, Duration timeout) {
    try {
      return answer.get(Math.max(0, timeout.toNanos()), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      answer.cancel(false);
      throw silent(member, "no answer within " + timeout, e);
    } catch (ExecutionException | CompletionException e) {
      throw silent(member, String.valueOf(e.getCause()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw silent(member, "interrupted", e);
    }
  }

  private static ServingException silent(String member, String what, Exception cause) {
    return new ServingException(
        ErrorCode.UNAVAILABLE,
        SILENT,
        "member " + member + ": " + what + " (expected: an answer)",
        cause);
  }
}
