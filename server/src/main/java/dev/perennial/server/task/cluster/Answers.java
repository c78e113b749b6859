package dev.perennial.server.task.cluster;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Asks members and waits for what they answer. Stateless. */
final class Answers {
  private Answers() {}

  /**
   * One answer; throws what the member failed with, or UNAVAILABLE where it is silent or gone:
   * whether it did what it was asked for is then not known.
   */
  static <T> T ask(
      Members members, String member, Request request, Class<T> kind, Duration timeout) {
    return Wire.read(
        await(member, members.ask(member, request.level(), Wire.request(request)), timeout), kind);
  }

  static byte[] await(String member, CompletableFuture<byte[]> answer, Duration timeout) {
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
        "MEMBER_SILENT",
        "member " + member + ": " + what + " (expected: an answer)",
        cause);
  }
}
