package dev.perennial.server;

import dev.perennial.client.Classification;
import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.StreamingClassifier;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A constant load of classifications through one client: a half as single calls, a half over one
 * stream, by a thread each. Requests are due at fixed times, whatever becomes of earlier ones, and
 * a latency counts from the time at which its request was due.
 */
final class SteadyLoad implements AutoCloseable {
  /**
   * One request that has ended.
   *
   * @param dueNanos when it was to be sent, by {@link System#nanoTime}
   * @param failure null where it was answered
   */
  record Sample(long dueNanos, long latencyNanos, @Nullable Throwable failure) {}

  private static final Labels LABELS = Labels.of("red", "green", "blue");

  private final Queue<Sample> samples = new ConcurrentLinkedQueue<>();
  private final AtomicLong sent = new AtomicLong();
  private final List<Thread> threads = new ArrayList<>();
  private final List<Image> images = new ArrayList<>();
  private final StreamingClassifier stream;
  private volatile boolean stopped;

  private SteadyLoad(PerennialClient client) {
    stream = client.classifier(LABELS);
    for (int i = 0; i < 30; i++) {
      images.add(Image.encoded(Teaching.image(i).getEncoded().toByteArray()));
    }
  }

  /**
   * Starts it.
   *
   * @param rate requests a second, of both kinds together
   */
  static SteadyLoad start(PerennialClient client, double rate) {
    SteadyLoad load = new SteadyLoad(client);
    load.run("load-calls", rate / 2, image -> client.classifyAsync(image, LABELS));
    load.run("load-stream", rate / 2, load.stream::send);
    return load;
  }

  private void run(
      String name, double rate, Function<Image, CompletableFuture<Classification>> ask) {
    long gap = Math.round(1e9 / rate);
    Thread thread =
        new Thread(
            () -> {
              long due = System.nanoTime();
              for (int i = 0; !stopped; i++) {
                due += gap;
                awaitTime(due);
                ask(ask, images.get(i % images.size()), due);
              }
            },
            name);
    thread.start();
    threads.add(thread);
  }

  private static void awaitTime(long due) {
    for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
      LockSupport.parkNanos(left);
    }
  }

  private void ask(
      Function<Image, CompletableFuture<Classification>> ask, Image image, long dueNanos) {
    sent.incrementAndGet();
    CompletableFuture<Classification> answer;
    try {
      answer = ask.apply(image);
    } catch (RuntimeException e) {
      answer = CompletableFuture.failedFuture(e);
    }
    var unused =
        answer.whenComplete(
            (value, failure) ->
                samples.add(new Sample(dueNanos, System.nanoTime() - dueNanos, failure)));
  }

  /** Waits for so many more ends of requests. */
  void awaitMore(int requests) throws InterruptedException {
    int wanted = samples.size() + requests;
    CountDownLatch never = new CountDownLatch(1);
    long until = System.nanoTime() + TimeUnit.MINUTES.toNanos(3);
    while (samples.size() < wanted) {
      if (never.await(20, TimeUnit.MILLISECONDS) || System.nanoTime() > until) {
        throw new AssertionError("load stands still: " + samples.size() + " of " + wanted);
      }
    }
  }

  /** All that has ended so far. */
  List<Sample> samples() {
    return List.copyOf(samples);
  }

  /** What failed, as text. */
  List<String> failures() {
    return samples.stream()
        .filter(sample -> sample.failure() != null)
        .map(sample -> text(sample.failure()))
        .toList();
  }

  private static String text(@Nullable Throwable failure) {
    Throwable cause = failure instanceof CompletionException ? failure.getCause() : failure;
    return cause == null ? "" : cause + " after " + List.of(cause.getSuppressed());
  }

  /** Sends no more and waits until every request has ended. */
  void stop() throws InterruptedException {
    stopped = true;
    for (Thread thread : threads) {
      thread.join();
    }
    awaitMore((int) sent.get() - samples.size());
  }

  @Override
  public void close() {
    stopped = true;
    stream.cancel();
  }
}
