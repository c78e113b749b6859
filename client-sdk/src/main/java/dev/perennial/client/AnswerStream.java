package dev.perennial.client;

import com.google.protobuf.MessageLite;
import dev.perennial.client.PerennialException.Code;
import dev.perennial.client.StreamLeg.Item;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * A stream of requests in which each gets one answer: its window, who waits for room in it, and its
 * end. Over which calls the requests go, {@link StreamLegs} knows.
 *
 * <p>Invariants: at most {@code window} requests are unanswered, those whose future timed out
 * included, since a server still holds them; messages are built and sent under the lock; every
 * future completes, at the latest when the stream ends. Safe for any thread; futures complete on
 * the client's threads, outside the lock.
 *
 * @param <Q> request message
 * @param <R> response message
 * @param <A> answer
 */
final class AnswerStream<Q extends MessageLite, R, A> {
  /** A request to be sent; called under the stream's lock. */
  interface Request<Q> {
    /**
     * The message.
     *
     * @param before the request that went before it over the same call; null where it is the first
     */
    Q message(@Nullable Request<Q> before);
  }

  /**
   * What is asked, and how it is answered.
   *
   * @param index which message of its call a response answers
   * @param answer the response's value; throws {@link PerennialException} where it is an error
   */
  record Protocol<Q, R, A>(
      MethodDescriptor<Q, R> method, ToLongFunction<R> index, Function<R, A> answer) {}

  private final Connection connection;
  private final StreamOptions options;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final StreamLegs<Q, R, A> legs;
  private int senders;
  private long nextNumber;
  private boolean halfClosed;
  private @Nullable PerennialException end;
  private @Nullable CompletableFuture<Void> ready;

  /**
   * Opens the stream.
   *
   * @param deadline of the stream as a whole
   * @param only where to, if it must not move; null where it may
   */
  AnswerStream(
      Connection connection,
      Protocol<Q, R, A> protocol,
      Duration deadline,
      StreamOptions options,
      @Nullable Route only) {
    this.connection = connection;
    this.options = options;
    this.legs = new StreamLegs<>(connection, protocol, deadline, only, lock, new Owner());
    lock.lock();
    try {
      legs.open();
    } finally {
      lock.unlock();
    }
    connection.opened(this);
  }

  /** Sends when there is room; blocks until there is, at most for the answer deadline. */
  CompletableFuture<A> send(Request<Q> request) {
    lock.lock();
    senders++;
    try {
      long left = options.answerDeadline().toNanos();
      wakeUp();
      while (end == null && !halfClosed && !hasRoom()) {
        if (left <= 0) {
          throw new PerennialException(
              Code.DEADLINE_EXCEEDED,
              "stream: no room for another request within %s (%d unanswered, window %d)"
                  .formatted(options.answerDeadline(), legs.unanswered(), options.window()));
        }
        left = changed.awaitNanos(left);
      }
      return sendNow(request);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PerennialException(Code.CANCELLED, "interrupted while waiting for room", e);
    } finally {
      senders--;
      lock.unlock();
    }
  }

  /** Sends if there is room, without waiting. */
  Optional<CompletableFuture<A>> trySend(Request<Q> request) {
    lock.lock();
    try {
      wakeUp();
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
      wakeUp();
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

  /** Requests that were taken and are not answered. */
  int inFlight() {
    lock.lock();
    try {
      return legs.unanswered();
    } finally {
      lock.unlock();
    }
  }

  /** No more requests; answers still come. */
  void halfClose() {
    boolean over = false;
    lock.lock();
    try {
      if (end == null && !halfClosed) {
        halfClosed = true;
        over = legs.finish();
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
    if (over) {
      abort(new PerennialException(Code.CANCELLED, "stream: closed"));
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

  /** Ends the stream once; what is unanswered fails with the given reason. */
  void abort(PerennialException reason) {
    List<Item<Q, A>> left;
    Runnable cancel;
    CompletableFuture<Void> waiter;
    lock.lock();
    try {
      if (end != null) {
        return;
      }
      end = reason;
      left = legs.takeAll();
      cancel = legs.leave(reason);
      waiter = ready;
      ready = null;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    connection.ended(this);
    cancel.run();
    if (waiter != null) {
      waiter.completeExceptionally(reason);
    }
    left.forEach(item -> item.fail(reason));
  }

  private boolean hasRoom() {
    return legs.unanswered() < options.window() && legs.ready();
  }

  /** Under the lock: a stream that nobody needed may have lost its call; now it is needed. */
  private void wakeUp() {
    if (end == null && !halfClosed) {
      legs.wakeUp();
    }
  }

  private CompletableFuture<A> sendNow(Request<Q> request) {
    if (end != null) {
      throw end;
    }
    if (halfClosed) {
      throw new PerennialException(Code.CANCELLED, "stream: closed");
    }
    Q message = legs.message(request);
    connection.checkSize(message);
    CompletableFuture<A> future = connection.track(new CompletableFuture<>());
    legs.send(new Item<>(nextNumber++, request, future, startTimer(future)), message);
    return future;
  }

  private Future<?> startTimer(CompletableFuture<A> future) {
    return connection.after(
        options.answerDeadline(),
        () ->
            future.completeExceptionally(
                new PerennialException(
                    Code.DEADLINE_EXCEEDED, "answer: none within " + options.answerDeadline())));
  }

  /** Hears the legs. */
  private final class Owner implements StreamLegs.Stream {
    @Override
    public boolean needed() {
      return senders > 0 || ready != null;
    }

    @Override
    public void changed() {
      CompletableFuture<Void> waiter = null;
      lock.lock();
      try {
        changed.signalAll();
        if (ready != null && hasRoom()) {
          waiter = ready;
          ready = null;
        }
      } finally {
        lock.unlock();
      }
      if (waiter != null) {
        waiter.complete(null);
      }
    }

    @Override
    public void over(PerennialException reason) {
      abort(reason);
    }
  }
}
