package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.TrainRequest;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/**
 * The examples of one training run in their order, over as many streams as its upload takes. What
 * was read and is not acknowledged is kept, so that it can be sent again; how much that may be is
 * bounded in bytes. One thread reads; acknowledgements come on any. The monitor guards what they
 * share, and is not held while the source is read.
 */
final class UploadWindow implements AutoCloseable {
  /** Kept at most, but for the example that exceeds it. */
  static final long MAX_BYTES = 32L << 20;

  private final Examples examples;
  private Iterator<Example> source;

  /** By place, without a gap. */
  private final Map<Long, TrainRequest> kept = new HashMap<>();

  /** Place of the first one kept. */
  private long first;

  /** Place of the one that is sent next; kept, or the source's next. */
  private long next;

  private long bytes;

  UploadWindow(Examples examples) {
    this.examples = examples;
    this.source = examples.open();
  }

  /** Whether the next example may be taken now; if not, an acknowledgement makes room. */
  synchronized boolean hasRoom() {
    return sentBefore() || bytes < MAX_BYTES;
  }

  private boolean sentBefore() {
    return kept.containsKey(next);
  }

  /** Whether there is another example to send; may wait for the source. */
  boolean hasNext() {
    synchronized (this) {
      if (sentBefore()) {
        return true;
      }
    }
    return source.hasNext();
  }

  /** The next one's message. */
  TrainRequest next() {
    synchronized (this) {
      TrainRequest sent = kept.get(next);
      if (sent != null) {
        next++;
        return sent;
      }
    }
    TrainRequest message = message(source.next());
    synchronized (this) {
      kept.put(next++, message);
      bytes += message.getSerializedSize();
    }
    return message;
  }

  /** How many were sent, from the first. */
  synchronized long sent() {
    return next;
  }

  /** So many, from the first, need never be sent again. */
  synchronized void acknowledged(long count) {
    while (first < Math.min(count, next)) {
      TrainRequest safe = kept.remove(first++);
      bytes -= safe == null ? 0 : safe.getSerializedSize();
    }
  }

  /**
   * A new stream goes on at that place. Where that lies before what is kept, the source is read
   * again.
   */
  void goOnAt(long place) {
    synchronized (this) {
      if (place >= first && place <= first + kept.size()) {
        next = place;
        return;
      }
    }
    if (!examples.repeatable()) {
      throw new PerennialException(
          Code.DATA_LOSS,
          "upload: %d of %d acknowledged examples are left (expected: all, as they are read once)"
              .formatted(place, acknowledgedCount()));
    }
    close();
    source = examples.open();
    for (long i = 0; i < place && source.hasNext(); i++) {
      source.next();
    }
    synchronized (this) {
      kept.clear();
      bytes = 0;
      first = place;
      next = place;
    }
  }

  private synchronized long acknowledgedCount() {
    return first;
  }

  private static TrainRequest message(Example example) {
    return TrainRequest.newBuilder()
        .setExample(
            dev.perennial.v1.Example.newBuilder()
                .setImage(example.image().message())
                .setLabel(example.label()))
        .build();
  }

  /** Closes the source, where that can be. */
  @Override
  public void close() {
    if (source instanceof AutoCloseable closeable) {
      try {
        closeable.close();
      } catch (Exception e) {
        throw new IllegalStateException("examples: not closed", e);
      }
    }
  }
}
