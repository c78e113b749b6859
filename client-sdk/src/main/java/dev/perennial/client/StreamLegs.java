package dev.perennial.client;

import com.google.protobuf.MessageLite;
import dev.perennial.client.PerennialException.Code;
import dev.perennial.client.StreamLeg.Item;
import io.grpc.ClientCall;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The calls of an {@link AnswerStream}, one after the other. When the member that has the call
 * dies, what was sent and not answered goes to another member, in the order of the requests and
 * before any new one. When it drains, new requests go to another member while the old call is
 * answered to its end. So a request may be computed twice, and is answered once.
 *
 * <p>Bounds: a request is sent at most {@link RetryPolicy#MAX_ATTEMPTS} times; as many calls may
 * fail in a row. A stream without requests waits for one before it opens another call.
 *
 * <p>The stream's lock guards everything. Methods whose comment does not say so are called under
 * it.
 */
final class StreamLegs<Q extends MessageLite, R, A> implements StreamLeg.Owner<Q, R, A> {
  /** The stream. */
  interface Stream {
    /** Whether somebody waits to send; under the lock. */
    boolean needed();

    /** There may be room; without the lock. */
    void changed();

    /** It ends; without the lock. */
    void over(PerennialException reason);
  }

  /** An answer or a failure, and whether another member had better be asked instead. */
  private record Outcome<A>(
      @Nullable A answer, @Nullable PerennialException failure, boolean askAnother) {
    void complete(CompletableFuture<A> future) {
      if (failure != null) {
        future.completeExceptionally(failure);
      } else {
        future.complete(answer);
      }
    }
  }

  private final Connection connection;
  private final AnswerStream.Protocol<Q, R, A> protocol;
  private final long endNanos;

  /** Of the only call, where the stream does not move: the caller repeats it as a whole. */
  private final @Nullable Route only;

  private final ReentrantLock lock;
  private final Stream stream;
  private final Set<StreamLeg<Q, R, A>> legs = new LinkedHashSet<>();

  /** To be sent again, by number. */
  private final TreeMap<Long, Item<Q, A>> again = new TreeMap<>();

  /** Since the last answer. */
  private final Tries tries;

  private @Nullable StreamLeg<Q, R, A> current;
  private boolean pausing;
  private boolean finished;
  private boolean left;

  StreamLegs(
      Connection connection,
      AnswerStream.Protocol<Q, R, A> protocol,
      Duration deadline,
      @Nullable Route only,
      ReentrantLock lock,
      Stream stream) {
    this.connection = connection;
    this.protocol = protocol;
    this.endNanos = System.nanoTime() + deadline.toNanos();
    this.only = only;
    this.tries = new Tries(connection);
    this.lock = lock;
    this.stream = stream;
  }

  void open() {
    StreamLeg<Q, R, A> leg =
        only != null ? new StreamLeg<>(this, only) : new StreamLeg<>(this, tries.avoided());
    ClientCall<Q, R> call = connection.newCall(protocol.method(), timeLeft(), leg.route());
    legs.add(leg);
    current = leg;
    leg.open(call);
  }

  private Duration timeLeft() {
    return Duration.ofNanos(endNanos - System.nanoTime());
  }

  /** Opens a call where there is none. */
  void wakeUp() {
    if (current == null && !pausing) {
      open();
    }
  }

  /** Requests taken and not answered. */
  int unanswered() {
    return again.size() + legs.stream().mapToInt(StreamLeg::unanswered).sum();
  }

  /** Whether a request can be sent. */
  boolean ready() {
    return again.isEmpty() && current != null && current.ready();
  }

  private StreamLeg<Q, R, A> current() {
    if (current == null) {
      throw new IllegalStateException("stream: no call (expected: ready)");
    }
    return current;
  }

  /** The message of a request that is next; only where {@link #ready}. */
  Q message(AnswerStream.Request<Q> request) {
    return current().message(request);
  }

  /** Sends it. */
  void send(Item<Q, A> item, Q message) {
    current().send(item, message);
  }

  /** No more requests; whether everything is answered. */
  boolean finish() {
    finished = true;
    resend();
    return legs.isEmpty() && again.isEmpty();
  }

  /** Everything unanswered; the legs forget it. */
  List<Item<Q, A>> takeAll() {
    List<Item<Q, A>> all = new ArrayList<>(again.values());
    again.clear();
    legs.forEach(leg -> all.addAll(leg.takeAll()));
    return all;
  }

  /** Nothing is heard or opened any more; the result, run without the lock, ends the calls. */
  Runnable leave(PerennialException reason) {
    left = true;
    List<StreamLeg<Q, R, A>> open = List.copyOf(legs);
    legs.clear();
    current = null;
    return () -> open.forEach(leg -> leg.cancel(reason.toString()));
  }

  /** Sends again what lost calls left, then no more where that was wanted. */
  private void resend() {
    StreamLeg<Q, R, A> leg = current;
    while (leg != null && leg.ready() && !again.isEmpty()) {
      Item<Q, A> item = again.pollFirstEntry().getValue();
      if (!item.future.isDone()) {
        leg.send(item, leg.message(item.request));
      }
    }
    if (leg != null && finished && again.isEmpty()) {
      leg.finish();
    }
  }

  /** Without the lock. */
  @Override
  public void ready(StreamLeg<Q, R, A> leg) {
    lock.lock();
    try {
      resend();
    } finally {
      lock.unlock();
    }
    stream.changed();
  }

  /** Without the lock. */
  @Override
  public void answered(StreamLeg<Q, R, A> leg, R response) {
    Outcome<A> outcome = outcome(leg, response);
    Item<Q, A> item;
    lock.lock();
    try {
      item = leg.take(protocol.index().applyAsLong(response));
      if (item != null && outcome.askAnother() && item.sends < RetryPolicy.MAX_ATTEMPTS) {
        again.put(item.number, item);
        item = null;
        goFrom(leg);
        resend();
      } else if (item != null) {
        tries.clear();
      }
    } finally {
      lock.unlock();
    }
    stream.changed();
    if (item != null) {
      item.timer.cancel(false);
      outcome.complete(item.future);
    }
  }

  /** A member that cannot answer is no reason for failure where another can. */
  private Outcome<A> outcome(StreamLeg<Q, R, A> leg, R response) {
    try {
      return new Outcome<>(protocol.answer().apply(response), null, false);
    } catch (PerennialException e) {
      boolean askAnother =
          only == null && e.code() == Code.UNAVAILABLE && leg.route().alternatives() > 0;
      return new Outcome<>(null, e.at(leg.route().address()), askAnother);
    }
  }

  /** Without the lock, on a thread of gRPC's that must not wait for it. */
  @Override
  public void memberLeft(StreamLeg<Q, R, A> leg) {
    try {
      var unused = connection.after(Duration.ZERO, () -> move(leg));
    } catch (PerennialException e) {
      // The client was closed, and ends the stream.
    }
  }

  private void move(StreamLeg<Q, R, A> leg) {
    lock.lock();
    try {
      if (!finished) {
        goFrom(leg);
      }
    } finally {
      lock.unlock();
    }
  }

  /** The old call is answered to its end; what comes goes elsewhere. */
  private void goFrom(StreamLeg<Q, R, A> leg) {
    if (leg == current && !left) {
      tries.avoid(leg.route());
      open();
      leg.finish();
    }
  }

  /** Without the lock. */
  @Override
  public void ended(StreamLeg<Q, R, A> leg, @Nullable Throwable cause) {
    PerennialException failure =
        cause == null
            ? new PerennialException(Code.UNAVAILABLE, "stream: ended without an answer")
            : PerennialException.of(cause).at(leg.route().address());
    List<Item<Q, A>> lost;
    PerennialException over;
    lock.lock();
    try {
      if (!legs.remove(leg)) {
        return;
      }
      lost = keep(leg.takeAll());
      over = next(leg, failure);
      resend();
    } finally {
      lock.unlock();
    }
    lost.forEach(item -> item.fail(failure));
    if (over == null) {
      stream.changed();
    } else {
      stream.over(over);
    }
  }

  /** What is to be sent again; returns what is done, or was sent too often. */
  private List<Item<Q, A>> keep(List<Item<Q, A>> unanswered) {
    List<Item<Q, A>> lost = new ArrayList<>();
    for (Item<Q, A> item : unanswered) {
      if (item.future.isDone() || item.sends >= RetryPolicy.MAX_ATTEMPTS) {
        lost.add(item);
      } else {
        again.put(item.number, item);
      }
    }
    return lost;
  }

  /** Why the stream is over after a call has ended; null where it goes on. */
  private @Nullable PerennialException next(StreamLeg<Q, R, A> ended, PerennialException failure) {
    if (ended == current) {
      current = null;
    }
    if (finished && again.isEmpty()) {
      return legs.isEmpty() ? new PerennialException(Code.CANCELLED, "stream: closed") : null;
    }
    boolean usable = current != null && !current.finished();
    return usable || pausing ? null : goOn(ended, failure);
  }

  /** Goes on with another call, at once or after a pause; says why not. */
  private @Nullable PerennialException goOn(StreamLeg<Q, R, A> lost, PerennialException failure) {
    current = null;
    if (only != null || !RetryPolicy.mayRepeat(failure)) {
      return failure;
    }
    if (unanswered() == 0 && !stream.needed()) {
      tries.clear();
      return null; // until somebody needs it
    }
    Optional<Duration> pause = tries.failed(failure, lost.route(), timeLeft());
    if (pause.isEmpty()) {
      return failure;
    }
    try {
      var unused = connection.after(pause.get(), this::goOnNow);
    } catch (PerennialException e) {
      return e;
    }
    pausing = true;
    return null;
  }

  private void goOnNow() {
    PerennialException failed = null;
    lock.lock();
    try {
      pausing = false;
      if (!left && current == null) {
        open();
      }
    } catch (PerennialException e) {
      failed = e;
    } finally {
      lock.unlock();
    }
    if (failed != null) {
      stream.over(failed);
    }
  }
}
