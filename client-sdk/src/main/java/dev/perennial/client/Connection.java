package dev.perennial.client;

import com.google.protobuf.MessageLite;
import dev.perennial.client.PerennialException.Code;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What all calls of one client share: its channels, its timer, its threads for uploads and watches,
 * and the list of everything that waits for an answer, so that closing leaves nobody waiting. Safe
 * for any thread.
 */
final class Connection {
  /** Uploads and watches that one client follows at a time: each holds a thread. */
  static final int MAX_RUNS = 64;

  /** Unary calls waiting for an answer, retries included. */
  static final int MAX_CALLS = 10_000;

  /** Members that are away are tried again, and names looked up, so often at least. */
  static final Duration RECONNECT_PAUSE = Duration.ofSeconds(2);

  /** The same where a call found no member that serves: not more often than that. */
  private static final Duration MIN_RECONNECT_PAUSE = Duration.ofMillis(100);

  /** Bytes that a stream may buffer on its way out before it counts as not ready. */
  private static final int ON_READY_BYTES = 512 << 10;

  private final List<ManagedChannel> channels;
  private final ClientConfig config;
  private final RetryPolicy retries;
  private final ScheduledThreadPoolExecutor timer;
  private final ThreadPoolExecutor runs;
  private final AtomicInteger nextChannel = new AtomicInteger();
  private final AtomicLong reconnectedNanos = new AtomicLong(System.nanoTime());
  private final AtomicInteger calls = new AtomicInteger();
  private final Set<CompletableFuture<?>> waiting = ConcurrentHashMap.newKeySet();
  private final Set<AnswerStream<?, ?, ?>> streams = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  Connection(List<ManagedChannel> channels, ClientConfig config, RetryPolicy retries) {
    this.channels = List.copyOf(channels);
    this.config = config;
    this.retries = retries;
    timer = new ScheduledThreadPoolExecutor(1, daemons("perennial-client-timer"));
    timer.setRemoveOnCancelPolicy(true);
    runs =
        new ThreadPoolExecutor(
            0,
            MAX_RUNS,
            10,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            daemons("perennial-client-run"));
    var unused =
        timer.scheduleWithFixedDelay(
            this::reconnect,
            RECONNECT_PAUSE.toNanos(),
            RECONNECT_PAUSE.toNanos(),
            TimeUnit.NANOSECONDS);
  }

  /** Tries members that are away at once: gRPC alone would wait for up to two minutes. */
  void reconnect() {
    long now = System.nanoTime();
    long last = reconnectedNanos.get();
    if (now - last > MIN_RECONNECT_PAUSE.toNanos() && reconnectedNanos.compareAndSet(last, now)) {
      channels.forEach(ManagedChannel::resetConnectBackoff);
    }
  }

  ClientConfig config() {
    return config;
  }

  RetryPolicy retries() {
    return retries;
  }

  /** Runs something later; it must not block. Throws CANCELLED where the client is closed. */
  Future<?> after(Duration delay, Runnable task) {
    try {
      return timer.schedule(task, delay.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      throw new PerennialException(Code.CANCELLED, "client: closed", e);
    }
  }

  ExecutorService runs() {
    return runs;
  }

  /** The next channel in turn. */
  Channel channel() {
    return channels.get(Math.floorMod(nextChannel.getAndIncrement(), channels.size()));
  }

  /** Options of a call that ends after the given time: no call goes without. */
  CallOptions options(Duration deadline) {
    return CallOptions.DEFAULT
        .withDeadlineAfter(deadline.toNanos(), TimeUnit.NANOSECONDS)
        .withMaxOutboundMessageSize(config.maxMessageSize())
        .withMaxInboundMessageSize(config.maxMessageSize())
        .withOnReadyThreshold(ON_READY_BYTES);
  }

  /** A new call on the next channel. */
  <Q, R> ClientCall<Q, R> newCall(MethodDescriptor<Q, R> method, Duration deadline, Route route) {
    checkOpen();
    return channel().newCall(method, options(deadline).withOption(Route.KEY, route));
  }

  /** One try of a unary call; completing the future from outside cancels it. */
  <Q extends MessageLite, R, T> CompletableFuture<T> unary(
      MethodDescriptor<Q, R> method, Q request, Function<R, T> value, Duration left, Route route) {
    checkSize(request);
    ClientCall<Q, R> call = newCall(method, left, route);
    CompletableFuture<T> future = new CompletableFuture<>();
    ClientCalls.asyncUnaryCall(call, request, new OneAnswer<>(future, value));
    // Only now: a server may refuse before the request has left as a whole, and a call that was
    // cancelled by then throws in the face of its sender.
    var unused =
        future.whenComplete(
            (answer, failure) -> {
              if (failure != null) {
                call.cancel("the caller gave up", failure);
              }
            });
    return future;
  }

  /** Refuses what the channel would break the whole stream for. */
  void checkSize(MessageLite request) {
    if (request.getSerializedSize() > config.maxMessageSize()) {
      throw new PerennialException(
          Code.INVALID_ARGUMENT,
          "message: %d bytes (expected: at most %d)"
              .formatted(request.getSerializedSize(), config.maxMessageSize()));
    }
  }

  void checkOpen() {
    if (closed) {
      throw closedFailure();
    }
  }

  /** Counts a unary call in; every one is counted out by {@link #leaveCall}. */
  void enterCall() {
    checkOpen();
    if (calls.incrementAndGet() > MAX_CALLS) {
      calls.decrementAndGet();
      throw new PerennialException(
          Code.RESOURCE_EXHAUSTED,
          "calls: %d waiting for an answer (expected: fewer)".formatted(MAX_CALLS));
    }
  }

  void leaveCall() {
    calls.decrementAndGet();
  }

  /** A future that closing the client completes if nothing else has. */
  @SuppressWarnings("CollectionUndefinedEquality") // by identity, on purpose
  <T> CompletableFuture<T> track(CompletableFuture<T> future) {
    waiting.add(future);
    var unused = future.whenComplete((value, failure) -> waiting.remove(future));
    if (closed) {
      future.completeExceptionally(closedFailure());
    }
    return future;
  }

  void opened(AnswerStream<?, ?, ?> stream) {
    streams.add(stream);
    if (closed) {
      stream.abort(closedFailure());
    }
  }

  void ended(AnswerStream<?, ?, ?> stream) {
    streams.remove(stream);
  }

  /** Lets calls in flight end for the grace time, then breaks them off. */
  void close() {
    if (closed) {
      return;
    }
    closed = true;
    runs.shutdownNow();
    streams.forEach(AnswerStream::halfClose);
    channels.forEach(ManagedChannel::shutdown);
    boolean interrupted = !awaitTermination(config.closeGrace());
    channels.forEach(ManagedChannel::shutdownNow);
    timer.shutdownNow();
    streams.forEach(stream -> stream.abort(closedFailure()));
    waiting.forEach(future -> future.completeExceptionally(closedFailure()));
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** False where the thread was interrupted. */
  private boolean awaitTermination(Duration grace) {
    long end = System.nanoTime() + grace.toNanos();
    try {
      for (ManagedChannel channel : channels) {
        channel.awaitTermination(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
      }
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  /** Completes a future with a call's only message. */
  private static final class OneAnswer<R, T> implements StreamObserver<R> {
    private final CompletableFuture<T> future;
    private final Function<R, T> value;
    private @Nullable R answer;

    OneAnswer(CompletableFuture<T> future, Function<R, T> value) {
      this.future = future;
      this.value = value;
    }

    @Override
    public void onNext(R given) {
      answer = given;
    }

    @Override
    public void onError(Throwable failure) {
      future.completeExceptionally(PerennialException.of(failure));
    }

    @Override
    public void onCompleted() {
      if (answer == null) {
        future.completeExceptionally(
            new PerennialException(Code.INTERNAL, "answer: none (expected: one message)"));
      } else {
        future.complete(value.apply(answer));
      }
    }
  }

  private static PerennialException closedFailure() {
    return new PerennialException(Code.CANCELLED, "client: closed");
  }

  private static ThreadFactory daemons(String name) {
    AtomicInteger count = new AtomicInteger();
    return task -> {
      Thread thread = new Thread(task, name + "-" + count.incrementAndGet());
      thread.setDaemon(true);
      return thread;
    };
  }
}
