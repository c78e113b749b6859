package dev.perennial.server.cli;

import java.time.Duration;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/**
 * An open-loop load generator: requests are sent at times that were drawn beforehand, whether or
 * not earlier ones were answered, and each latency counts from the time at which its request was
 * due. A server, or a generator, that falls behind can so not hide its queue (no coordinated
 * omission).
 *
 * <p>One thread sends; answers come on any.
 */
final class LoadGenerator {
  /** What is asked, and how it is answered. */
  interface Service {
    /** Asks about one picture; may throw, too. */
    CompletableFuture<?> ask(int picture);
  }

  /** Time, so that a test can turn it by hand. */
  interface Ticker {
    long nanoTime();

    /** Returns at the given time or later. */
    void waitUntil(long nanoTime);

    /** The JVM's. */
    Ticker SYSTEM =
        new Ticker() {
          @Override
          public long nanoTime() {
            return System.nanoTime();
          }

          @Override
          public void waitUntil(long nanoTime) {
            for (long left = nanoTime - System.nanoTime();
                left > 0;
                left = nanoTime - System.nanoTime()) {
              LockSupport.parkNanos(left);
            }
          }
        };
  }

  /**
   * How much, how long, and what is in time.
   *
   * @param rate requests a second
   * @param warmUp sent like the rest, not counted
   * @param duration counted
   * @param deadline of one request, from the time at which it was due
   * @param pictures to choose from, evenly
   * @param seed of arrivals and choices
   */
  record Plan(
      double rate, Duration warmUp, Duration duration, Duration deadline, int pictures, long seed) {
    Plan {
      if (duration.isZero() || duration.isNegative() || warmUp.isNegative()) {
        throw new IllegalArgumentException(
            "duration, warm-up: %s, %s (expected: above 0, 0 or more)".formatted(duration, warmUp));
      }
      if (deadline.isZero() || deadline.isNegative()) {
        throw new IllegalArgumentException("deadline: " + deadline + " (expected: above 0)");
      }
      if (pictures < 1) {
        throw new IllegalArgumentException("pictures: " + pictures + " (expected: 1 or more)");
      }
    }
  }

  private final Plan plan;
  private final Ticker ticker;

  LoadGenerator(Plan plan, Ticker ticker) {
    this.plan = plan;
    this.ticker = ticker;
  }

  /** Sends the whole plan and waits for every answer. */
  LoadReport run(Service service) throws InterruptedException {
    PoissonArrivals arrivals = new PoissonArrivals(plan.rate(), plan.seed());
    SplittableRandom choices = new SplittableRandom(~plan.seed());
    LoadRecorder recorder = new LoadRecorder(plan);
    long start = ticker.nanoTime();
    long end = plan.warmUp().plus(plan.duration()).toNanos();
    for (long due = arrivals.next(); due < end; due = arrivals.next()) {
      ticker.waitUntil(start + due);
      send(service, choices.nextInt(plan.pictures()), start, due, recorder);
    }
    recorder.awaitAll();
    return recorder.report();
  }

  private void send(Service service, int picture, long start, long due, LoadRecorder recorder) {
    recorder.sent(due);
    CompletableFuture<?> answer;
    try {
      answer = service.ask(picture);
    } catch (RuntimeException e) {
      recorder.ended(due, ticker.nanoTime() - start, e);
      return;
    }
    var unused =
        answer.whenComplete(
            (value, failure) -> recorder.ended(due, ticker.nanoTime() - start, failure));
  }
}
