package dev.perennial.client;

import com.google.protobuf.MessageLite;
import io.grpc.ClientCall;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One call of an {@link AnswerStream}, to one member, and what was sent over it and is not
 * answered, by the numbers of this call. All but {@link #open} is called under the stream's lock.
 */
final class StreamLeg<Q extends MessageLite, R, A> implements ClientResponseObserver<Q, R> {
  /** Hears the call, on gRPC's threads, without a lock. */
  interface Owner<Q extends MessageLite, R, A> {
    void ready(StreamLeg<Q, R, A> leg);

    void answered(StreamLeg<Q, R, A> leg, R response);

    /** Its member takes no new calls any more, while others do. */
    void memberLeft(StreamLeg<Q, R, A> leg);

    /** The call is over, for the given reason; null where the server ended it as it should. */
    void ended(StreamLeg<Q, R, A> leg, @Nullable Throwable failure);
  }

  /** A request on its way. */
  static final class Item<Q, A> {
    final long number;
    final AnswerStream.Request<Q> request;
    final CompletableFuture<A> future;
    final Future<?> timer;

    /** Legs that it was sent over. */
    int sends;

    /**
     * @param number its place among the requests of the stream
     * @param timer of its deadline
     */
    Item(
        long number,
        AnswerStream.Request<Q> request,
        CompletableFuture<A> future,
        Future<?> timer) {
      this.number = number;
      this.request = request;
      this.future = future;
      this.timer = timer;
    }

    void fail(PerennialException reason) {
      timer.cancel(false);
      future.completeExceptionally(reason);
    }
  }

  private final Owner<Q, R, A> owner;
  private final Route route;
  private final Map<Long, Item<Q, A>> sent = new LinkedHashMap<>();
  private @Nullable ClientCallStreamObserver<Q> call;
  private AnswerStream.@Nullable Request<Q> before;
  private long nextIndex;
  private boolean finished;

  /**
   * @param avoided members that it had better not go to
   */
  StreamLeg(Owner<Q, R, A> owner, Set<String> avoided) {
    this.owner = owner;
    this.route = new Route(avoided, () -> owner.memberLeft(this));
  }

  /** A leg that stays where it is. */
  StreamLeg(Owner<Q, R, A> owner, Route route) {
    this.owner = owner;
    this.route = route;
  }

  Route route() {
    return route;
  }

  void open(ClientCall<Q, R> started) {
    ClientCalls.asyncBidiStreamingCall(started, this);
  }

  boolean ready() {
    return call != null && !finished && call.isReady();
  }

  /** The message that the request would be here and now. */
  Q message(AnswerStream.Request<Q> request) {
    return request.message(before);
  }

  void send(Item<Q, A> item, Q message) {
    item.sends++;
    sent.put(nextIndex++, item);
    before = item.request;
    if (call != null) {
      call.onNext(message);
    }
  }

  @Nullable Item<Q, A> take(long index) {
    return sent.remove(index);
  }

  /** What is not answered, in the order of sending; this leg knows of nothing afterwards. */
  List<Item<Q, A>> takeAll() {
    List<Item<Q, A>> left = List.copyOf(sent.values());
    sent.clear();
    return left;
  }

  /** No more requests; answers still come. */
  void finish() {
    if (!finished) {
      finished = true;
      if (call != null) {
        call.onCompleted();
      }
    }
  }

  int unanswered() {
    return sent.size();
  }

  boolean finished() {
    return finished;
  }

  /** Without the lock. */
  void cancel(String reason) {
    if (call != null) {
      call.cancel(reason, null);
    }
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> started) {
    call = started;
    started.setOnReadyHandler(() -> owner.ready(this));
  }

  @Override
  public void onNext(R response) {
    owner.answered(this, response);
  }

  @Override
  public void onError(Throwable failure) {
    owner.ended(this, failure);
  }

  @Override
  public void onCompleted() {
    owner.ended(this, null);
  }
}
