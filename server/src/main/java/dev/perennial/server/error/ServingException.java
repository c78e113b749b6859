package dev.perennial.server.error;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The one failure that Perennial's code throws on purpose. The message gives the value and what was
 * expected: {@code batch size: 0 (expected: 1..256)}.
 */
public final class ServingException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** UTF-16 characters of a caller's text that a message repeats: enough to recognise it. */
  private static final int MAX_QUOTED = 80;

  private final ErrorCode code;
  private final String reason;
  private final @Nullable String field;
  private final @Nullable Duration retryAfter;

  private ServingException(
      ErrorCode code,
      String reason,
      String message,
      @Nullable String field,
      @Nullable Duration retryAfter,
      @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
    this.reason = reason;
    this.field = field;
    this.retryAfter = retryAfter;
  }

  /**
   * A failure without a field.
   *
   * @param reason UPPER_SNAKE_CASE, stable, for programs: google.rpc.ErrorInfo.reason
   */
  public ServingException(ErrorCode code, String reason, String message) {
    this(code, reason, message, null, null, null);
  }

  /** A failure caused by another. */
  public ServingException(ErrorCode code, String reason, String message, Throwable cause) {
    this(code, reason, message, null, null, cause);
  }

  /**
   * A wrong request.
   *
   * @param field path of the request's field as in the proto: {@code label_set.explicit.labels[3]}
   */
  public static ServingException invalid(String reason, String field, String message) {
    return new ServingException(ErrorCode.INVALID_ARGUMENT, reason, message, field, null, null);
  }

  /**
   * A named thing that does not exist.
   *
   * @param field path of the request's field that names it, as in the proto
   */
  public static ServingException notFound(String reason, String field, String message) {
    return new ServingException(ErrorCode.NOT_FOUND, reason, message, field, null, null);
  }

  /** A wrong request, found by something that failed on it. */
  public static ServingException invalid(
      String reason, String field, String message, Throwable cause) {
    return new ServingException(ErrorCode.INVALID_ARGUMENT, reason, message, field, null, cause);
  }

  /** A bound that was hit; the caller may try again after the given time. */
  public static ServingException exhausted(String reason, String message, Duration retryAfter) {
    return new ServingException(
        ErrorCode.RESOURCE_EXHAUSTED, reason, message, null, retryAfter, null);
  }

  /** Nobody here can do it now; the caller may try again, here or elsewhere. */
  public static ServingException unavailable(String reason, String message, Duration retryAfter) {
    return new ServingException(ErrorCode.UNAVAILABLE, reason, message, null, retryAfter, null);
  }

  /** A caller's text, quoted, and cut where it is long: messages travel in headers. */
  public static String quoted(String value) {
    if (value.length() <= MAX_QUOTED) {
      return "\"" + value + "\"";
    }
    boolean halves = Character.isHighSurrogate(value.charAt(MAX_QUOTED - 1));
    return "\"" + value.substring(0, halves ? MAX_QUOTED - 1 : MAX_QUOTED) + "...\"";
  }

  public ErrorCode code() {
    return code;
  }

  /** For programs: UPPER_SNAKE_CASE. */
  public String reason() {
    return reason;
  }

  /** The request's field, where one is to blame. */
  public @Nullable String field() {
    return field;
  }

  /** How long to wait before another try, where one makes sense. */
  public @Nullable Duration retryAfter() {
    return retryAfter;
  }
}
