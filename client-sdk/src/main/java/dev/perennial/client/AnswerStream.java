package dev.perennial.client;

import com.google.protobuf.MessageLite;
import dev.perennial.client.PerennialException.Code;
import io.grpc.ClientCall;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A stream of requests in which each gets one answer, matched by its index.
 *
 * <p>Invariants: at most {@code window} requests are unanswered, those whose future timed out
 * included, since the server still holds them; requests are built and sent in the order of their
 * indices, under the lock; every future completes, at the latest when the stream ends. Safe for any
 * thread; futures complete on the client's threads, outside the lock.
 *
 * @param <Q> request message
 * @param <R> response message
 * @param <A> answer
 */
final class AnswerStream<Q extends MessageLite, R, A> {
  /** A request to be sent; both methods are called under the stream's lock. */
  interface Request<Q> {
    /** The message, built when its turn has come. */
    Q message();

    /** It was sent. */
    default void sent() {}
  }

  /** A request on its way: the caller's future and the timer of its deadline. */
  private record Unanswered<A>(CompletableFuture<A> future, Future<?> timer) {}

  private final Connection connection;
  private final StreamOptions options;
  private final ToLongFunction<R> index;
  private final Function<R, A> answer;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<Long, Unanswered<A>> unanswered = new HashMap<>();
  private final ClientCallStreamObserver<Q> call;
  private long nextIndex;
  private boolean halfClosed;
  private @Nullable PerennialException end;
  private @Nullable CompletableFuture<Void> ready;

  /**
   * Opens the stream.
   *
   * @param deadline of the stream as a whole
   * @param index which request a response belongs to
   * @param answer the response's value; throws {@link PerennialException} where it is an error
   */
  AnswerStream(
      Connection connection,
      MethodDescriptor<Q, R> method,
      Duration deadline,
      StreamOptions options,
      ToLongFunction<R> index,
      Function<R, A> answer) {
    this.connection = connection;
    this.options = options;
    this.index = index;
    this.answer = answer;
    ClientCall<Q, R> started = connection.newCall(method, deadline);
    this.call =
        (ClientCallStreamObserver<Q>) ClientCalls.asyncBidiStreamingCall(started, new Answers());
    connection.opened(this);
  }

  /** Sends when there is room; blocks until there is, at most for the answer deadline. */
  CompletableFuture<A> send(Request<Q> request) {
    lock.lock();
    try {
      long left = options.answerDeadline().toNanos();
      while (end == null && !halfClosed && !hasRoom()) {
        if (left <= 0) {
          throw new PerennialException(
              Code.DEADLINE_EXCEEDED,
              "stream: no room for another request within %s (%d unanswered, window %d)"
                  .formatted(options.answerDeadline(), unanswered.size(), options.window()));
        }
        left = changed.awaitNanos(left);
      }
      return sendNow(request);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PerennialException(Code.CANCELLED, "interrupted while waiting for room", e);
    } finally {
      lock.unlock();
    }
  }

  /** Sends if there is room, without waiting. */
  Optional<CompletableFuture<A>> trySend(Request<Q> request) {
    lock.lock();
    try {
      return end == null && !halfClosed && !hasRoom()
          ? Optional.empty()
          : Optional.of(sendNow(request));
    } finally {
      lock.unlock();
    }
  }

  /** Completes when there is room, or fails when the stream has ended. */
  CompletableFuture<Void> ready() {
    lock.lock();
    try {
      if (end != null) {
        return CompletableFuture.failedFuture(end);
      }
      if (hasRoom()) {
        return CompletableFuture.completedFuture(null);
      }
      if (ready == null) {
        ready = new CompletableFuture<>();
      }
      return ready;
    } finally {
      lock.unlock();
    }
  }

  /** Requests sent and not answered. */
  int inFlight() {
    lock.lock();
    try {
      return unanswered.size();
    } finally {
      lock.unlock();
    }
  }

  /** No more requests; answers still come. */
  void halfClose() {
    lock.lock();
    try {
      if (end == null && !halfClosed) {
        halfClosed = true;
        call.onCompleted();
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** No more requests; waits for the answers under way, at most for the answer deadline. */
  void close() {
    halfClose();
    lock.lock();
    try {
      long left = options.answerDeadline().toNanos();
      while (end == null && left > 0) {
        left = changed.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      lock.unlock();
    }
    abort(new PerennialException(Code.CANCELLED, "stream: closed before the answer came"));
  }

  /** Breaks the stream off; what is unanswered fails with the given reason. */
  void abort(PerennialException reason) {
    if (ended(reason)) {
      call.cancel(reason.getMessage(), null);
    }
  }

  private boolean hasRoom() {
    return unanswered.size() < options.window() && call.isReady();
  }

  private CompletableFuture<A> sendNow(Request<Q> request) {
    if (end != null) {
      throw end;
    }
    if (halfClosed) {
      throw new PerennialException(Code.CANCELLED, "stream: closed");
    }
    Q message = request.message();
    connection.checkSize(message);
    CompletableFuture<A> future = connection.track(new CompletableFuture<>());
    long number = nextIndex++;
    unanswered.put(number, new Unanswered<>(future, startTimer(future)));
    call.onNext(message);
    request.sent();
    return future;
  }

  private Future<?> startTimer(CompletableFuture<A> future) {
    try {
      return connection
          .timer()
          .schedule(
              () ->
                  future.completeExceptionally(
                      new PerennialException(
                          Code.DEADLINE_EXCEEDED,
                          "answer: none within " + options.answerDeadline())),
              options.answerDeadline().toNanos(),
              TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      throw new PerennialException(Code.CANCELLED, "client: closed", e);
    }
  }

  private void answered(R response) {
    Unanswered<A> request;
    CompletableFuture<Void> waiter;
    lock.lock();
    try {
      request = unanswered.remove(index.applyAsLong(response));
      waiter = roomChanged();
    } finally {
      lock.unlock();
    }
    wake(waiter);
    if (request == null) {
      return;
    }
    request.timer().cancel(false);
    try {
      request.future().complete(answer.apply(response));
    } catch (PerennialException e) {
      request.future().completeExceptionally(e);
    }
  }

  private void becameReady() {
    CompletableFuture<Void> waiter;
    lock.lock();
    try {
      waiter = roomChanged();
    } finally {
      lock.unlock();
    }
    wake(waiter);
  }

  /** Under the lock: wakes blocked senders; the future to complete where one waits for room. */
  private @Nullable CompletableFuture<Void> roomChanged() {
    changed.signalAll();
    CompletableFuture<Void> waiter = ready;
    if (waiter == null || !hasRoom()) {
      return null;
    }
    ready = null;
    return waiter;
  }

  private static void wake(@Nullable CompletableFuture<Void> waiter) {
    if (waiter != null) {
      waiter.complete(null);
    }
  }

  /** Ends the stream once; false if it had ended before. */
  private boolean ended(PerennialException reason) {
    List<Unanswered<A>> left;
    CompletableFuture<Void> waiter;
    lock.lock();
    try {
      if (end != null) {
        return false;
      }
      end = reason;
      left = new ArrayList<>(unanswered.values());
      unanswered.clear();
      waiter = ready;
      ready = null;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    connection.ended(this);
    if (waiter != null) {
      waiter.completeExceptionally(reason);
    }
    for (Unanswered<A> request : left) {
      request.timer().cancel(false);
      request.future().completeExceptionally(reason);
    }
    return true;
  }

  /** Hears the server, on gRPC's threads. */
  private final class Answers implements ClientResponseObserver<Q, R> {
    @Override
    public void beforeStart(ClientCallStreamObserver<Q> started) {
      started.setOnReadyHandler(AnswerStream.this::becameReady);
    }

    @Override
    public void onNext(R response) {
      answered(response);
    }

    @Override
    public void onError(Throwable failure) {
      ended(PerennialException.of(failure));
    }

    @Override
    public void onCompleted() {
      ended(
          new PerennialException(
              Code.UNAVAILABLE, "stream: ended by the server without an answer"));
    }
  }
}
