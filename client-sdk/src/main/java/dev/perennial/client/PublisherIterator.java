package dev.perennial.client;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * A publisher's examples as an iterator that blocks. At most {@link #AHEAD} examples are asked for
 * before they are taken. One thread iterates; the publisher may use any.
 */
final class PublisherIterator
    implements Iterator<Example>, AutoCloseable, Flow.Subscriber<Example> {
  /** Examples requested and not yet taken. */
  static final int AHEAD = 16;

  /** What the publisher said: one of the three is meant. */
  private record Signal(@Nullable Example example, @Nullable Throwable failure) {}

  /** AHEAD examples and the end. */
  private final BlockingQueue<Signal> signals = new LinkedBlockingQueue<>(AHEAD + 2);

  private volatile Flow.@Nullable Subscription subscription;
  private @Nullable Signal next;

  private PublisherIterator() {}

  static PublisherIterator subscribe(Flow.Publisher<Example> publisher) {
    PublisherIterator iterator = new PublisherIterator();
    publisher.subscribe(iterator);
    return iterator;
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    if (subscription != null) {
      given.cancel();
      return;
    }
    subscription = given;
    given.request(AHEAD);
  }

  @Override
  public void onNext(Example example) {
    if (!signals.offer(new Signal(example, null))) {
      throw new IllegalStateException("publisher: more examples than requested");
    }
  }

  @Override
  public void onError(Throwable failure) {
    signals.add(new Signal(null, failure));
  }

  @Override
  public void onComplete() {
    signals.add(new Signal(null, null));
  }

  @Override
  public boolean hasNext() {
    if (next == null) {
      try {
        next = signals.take();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CancellationException("interrupted while waiting for an example");
      }
    }
    Throwable failure = next.failure();
    if (failure != null) {
      throw new IllegalStateException("publisher: " + failure, failure);
    }
    return next.example() != null;
  }

  @Override
  public Example next() {
    if (!hasNext() || next == null || next.example() == null) {
      throw new NoSuchElementException();
    }
    Example example = next.example();
    next = null;
    Flow.Subscription source = subscription;
    if (source != null) {
      source.request(1);
    }
    return example;
  }

  @Override
  public void close() {
    Flow.Subscription source = subscription;
    if (source != null) {
      source.cancel();
    }
  }
}
