package dev.perennial.server.grpc;

import com.google.protobuf.Message;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BinaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Sends the newest of what is offered: a slow client misses what was overtaken, and holds at most
 * one waiting message. Offers come from any thread.
 */
final class LatestWriter<T, R extends Message> {
  /** Writes one offer to the call, and ends the call where it was the last. */
  interface Sender<T> {
    void send(T offer);
  }

  private final Call<?, R> call;
  private final BinaryOperator<T> newer;
  private final Sender<T> sender;
  private final AtomicReference<@Nullable T> waiting = new AtomicReference<>();

  /**
   * @param newer which of two offers is sent (the waiting one comes first)
   * @param sender runs on the call's event loop
   */
  LatestWriter(Call<?, R> call, BinaryOperator<T> newer, Sender<T> sender) {
    this.call = call;
    this.newer = newer;
    this.sender = sender;
    call.onWritable(this::flush);
  }

  void offer(T offer) {
    T before =
        waiting.getAndAccumulate(
            offer, (old, fresh) -> old == null || fresh == null ? fresh : newer.apply(old, fresh));
    if (before == null) {
      call.execute(this::flush);
    }
  }

  private void flush() {
    if (!call.writable()) {
      return; // the drain handler comes back
    }
    T next = waiting.getAndSet(null);
    if (next != null) {
      sender.send(next);
    }
  }
}
