package dev.perennial.server.grpc;

import com.google.protobuf.Any;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import com.google.rpc.Status;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import io.vertx.grpc.common.GrpcStatus;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one table from a failure to what the caller sees: a google.rpc.Status with ErrorInfo, and
 * BadRequest or RetryInfo where they apply. What was not thrown on purpose shows nothing of itself:
 * it is logged once, under an id that the caller gets.
 */
final class Statuses {
  /** google.rpc.ErrorInfo.domain of every failure of ours. */
  static final String DOMAIN = "perennial.dev";

  private static final Logger log = LoggerFactory.getLogger(Statuses.class);

  private Statuses() {}

  /** Any failure as the caller sees it. */
  static Status of(Throwable failure) {
    Throwable cause = unwrap(failure);
    if (cause instanceof ServingException serving) {
      logOurFault(serving);
      return of(serving);
    }
    if (cause instanceof CancellationException) {
      return of(new ServingException(ErrorCode.CANCELLED, "CANCELLED", "the call was cancelled"));
    }
    String id = UUID.randomUUID().toString();
    log.error("internal error {}", id, cause);
    return Status.newBuilder()
        .setCode(GrpcStatus.INTERNAL.code)
        .setMessage("internal error; the server's log has it under id " + id)
        .addDetails(Any.pack(errorInfo("INTERNAL").putMetadata("error_id", id).build()))
        .build();
  }

  /** A failure that belongs to data, not to a call: nothing is logged. */
  static Status of(ServingException failure) {
    Status.Builder status =
        Status.newBuilder()
            .setCode(code(failure.code()).code)
            .setMessage(String.valueOf(failure.getMessage()))
            .addDetails(Any.pack(errorInfo(failure.reason()).build()));
    String field = failure.field();
    if (field != null) {
      status.addDetails(Any.pack(badRequest(field, failure)));
    }
    Duration retryAfter = failure.retryAfter();
    if (retryAfter != null) {
      status.addDetails(Any.pack(retryInfo(retryAfter)));
    }
    return status.build();
  }

  /** The gRPC status of an error code. */
  static GrpcStatus code(ErrorCode code) {
    return switch (code) {
      case INVALID_ARGUMENT -> GrpcStatus.INVALID_ARGUMENT;
      case NOT_FOUND -> GrpcStatus.NOT_FOUND;
      case UNAUTHENTICATED -> GrpcStatus.UNAUTHENTICATED;
      case FAILED_PRECONDITION -> GrpcStatus.FAILED_PRECONDITION;
      case RESOURCE_EXHAUSTED -> GrpcStatus.RESOURCE_EXHAUSTED;
      case DEADLINE_EXCEEDED -> GrpcStatus.DEADLINE_EXCEEDED;
      case CANCELLED -> GrpcStatus.CANCELLED;
      case UNAVAILABLE -> GrpcStatus.UNAVAILABLE;
      case DATA_LOSS -> GrpcStatus.DATA_LOSS;
      case INTERNAL -> GrpcStatus.INTERNAL;
    };
  }

  /** The failure inside what futures wrap around it. */
  static Throwable unwrap(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException || cause instanceof ExecutionException) {
      @Nullable Throwable inner = cause.getCause();
      if (inner == null) {
        break;
      }
      cause = inner;
    }
    return cause;
  }

  private static void logOurFault(ServingException failure) {
    if (failure.code() == ErrorCode.INTERNAL || failure.code() == ErrorCode.DATA_LOSS) {
      log.error("{}: {}", failure.reason(), failure.getMessage(), failure);
    }
  }

  private static ErrorInfo.Builder errorInfo(String reason) {
    return ErrorInfo.newBuilder().setReason(reason).setDomain(DOMAIN);
  }

  private static BadRequest badRequest(String field, ServingException failure) {
    return BadRequest.newBuilder()
        .addFieldViolations(
            BadRequest.FieldViolation.newBuilder()
                .setField(field)
                .setDescription(String.valueOf(failure.getMessage()))
                .setReason(failure.reason()))
        .build();
  }

  private static RetryInfo retryInfo(Duration delay) {
    return RetryInfo.newBuilder()
        .setRetryDelay(
            com.google.protobuf.Duration.newBuilder()
                .setSeconds(delay.getSeconds())
                .setNanos(delay.getNano()))
        .build();
  }
}
