package dev.perennial.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * A failed call, or one failed item of a stream: gRPC's code with the details of google.rpc that
 * the server attached. Immutable.
 */
public final class PerennialException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** gRPC's status codes but OK. */
  public enum Code {
    /** The caller gave up, or the client was closed. */
    CANCELLED,
    /** The server failed in a way that it did not name. */
    UNKNOWN,
    /** The request is wrong and will stay wrong; {@link #field()} may say where. */
    INVALID_ARGUMENT,
    /** The deadline passed. */
    DEADLINE_EXCEEDED,
    /** A named thing does not exist. */
    NOT_FOUND,
    /** It exists already. */
    ALREADY_EXISTS,
    /** The token does not allow this. */
    PERMISSION_DENIED,
    /** A bound is reached; {@link #retryAfter()} may say when to come back. */
    RESOURCE_EXHAUSTED,
    /** The request is fine, but not in the state that the server is in. */
    FAILED_PRECONDITION,
    /** Stopped by a conflict. */
    ABORTED,
    /** Past the end. */
    OUT_OF_RANGE,
    /** The server does not know this call. */
    UNIMPLEMENTED,
    /** The server's fault. */
    INTERNAL,
    /** No server could be reached, or it is draining. */
    UNAVAILABLE,
    /** Stored bytes are damaged. */
    DATA_LOSS,
    /** The token is missing or wrong. */
    UNAUTHENTICATED
  }

  private final Code code;
  private final @Nullable String reason;
  private final @Nullable String field;
  private final @Nullable Duration retryAfter;
  private final @Nullable String member;

  PerennialException(Code code, String message) {
    this(code, message, null, null, null, null, null);
  }

  PerennialException(Code code, String message, Throwable cause) {
    this(code, message, null, null, null, null, cause);
  }

  PerennialException(
      Code code,
      String message,
      @Nullable String reason,
      @Nullable String field,
      @Nullable Duration retryAfter,
      @Nullable String member,
      @Nullable Throwable cause) {
    super(message, cause);
    this.member = member;
    this.code = code;
    this.reason = reason;
    this.field = field;
    this.retryAfter = retryAfter;
  }

  /** What kind of failure this is. */
  public Code code() {
    return code;
  }

  /** For programs: the server's stable UPPER_SNAKE_CASE name of the failure, where it gave one. */
  public @Nullable String reason() {
    return reason;
  }

  /** Path of the request's field that is to blame, where one is. */
  public @Nullable String field() {
    return field;
  }

  /** How long the server asks to wait before another try; null where it asks for none. */
  public @Nullable Duration retryAfter() {
    return retryAfter;
  }

  /** Address of the server that the call went to, host:port; null where it went to none. */
  public @Nullable String member() {
    return member;
  }

  /** The same of a call that went there. */
  PerennialException at(@Nullable String address) {
    if (address == null || member != null) {
      return this;
    }
    PerennialException there =
        new PerennialException(
            code, String.valueOf(getMessage()), reason, field, retryAfter, address, getCause());
    there.setStackTrace(getStackTrace());
    return there;
  }

  /** The failure of an item inside a stream. */
  static PerennialException of(com.google.rpc.Status status) {
    return of(status, null);
  }

  /** Any failure, unwrapped: gRPC's with its details, ours as it is, others as UNKNOWN. */
  static PerennialException of(Throwable failure) {
    Throwable cause = failure;
    while ((cause instanceof CompletionException || cause instanceof ExecutionException)
        && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof PerennialException known) {
      return known;
    }
    if (isLostConnection(cause)) {
      return new PerennialException(
          Code.UNAVAILABLE, "connection: lost: " + cause.getMessage(), cause);
    }
    com.google.rpc.Status status = StatusProto.fromThrowable(cause);
    return status != null
        ? of(status, cause)
        : new PerennialException(Code.UNKNOWN, String.valueOf(cause), cause);
  }

  /** gRPC's transport says UNKNOWN where a socket closed under a call; a server's has no cause. */
  private static boolean isLostConnection(Throwable failure) {
    return failure.getCause() instanceof IOException
        && Status.fromThrowable(failure).getCode() == Status.Code.UNKNOWN;
  }

  private static PerennialException of(com.google.rpc.Status status, @Nullable Throwable cause) {
    String reason = null;
    String field = null;
    String fieldText = null;
    Duration retryAfter = null;
    for (Any detail : status.getDetailsList()) {
      try {
        if (detail.is(ErrorInfo.class)) {
          reason = detail.unpack(ErrorInfo.class).getReason();
        } else if (detail.is(BadRequest.class)) {
          BadRequest request = detail.unpack(BadRequest.class);
          if (request.getFieldViolationsCount() > 0) {
            field = request.getFieldViolations(0).getField();
            fieldText = request.getFieldViolations(0).getDescription();
          }
        } else if (detail.is(RetryInfo.class)) {
          com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
          retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
        }
      } catch (InvalidProtocolBufferException e) {
        return new PerennialException(
            Code.INTERNAL, "error details: not readable: " + status.getMessage(), e);
      }
    }
    String text =
        status.getMessage().isEmpty() && fieldText != null ? fieldText : status.getMessage();
    return new PerennialException(
        code(status.getCode()), text, reason, field, retryAfter, null, cause);
  }

  private static Code code(int number) {
    Status.Code code = Status.fromCodeValue(number).getCode();
    return code == Status.Code.OK ? Code.UNKNOWN : Code.valueOf(code.name());
  }

  @Override
  @SuppressWarnings("OverrideThrowableToString") // getMessage() stays the server's own text
  public String toString() {
    StringBuilder text = new StringBuilder(code.name());
    if (reason != null) {
      text.append(' ').append(reason);
    }
    text.append(": ").append(getMessage());
    if (field != null) {
      text.append(" (field ").append(field).append(')');
    }
    if (retryAfter != null) {
      text.append(" (retry after ").append(retryAfter.toMillis()).append(" ms)");
    }
    if (member != null) {
      text.append(" (at ").append(member).append(')');
    }
    return text.toString();
  }
}
