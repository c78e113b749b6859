package dev.perennial.server.grpc;

import com.google.protobuf.Message;
import com.google.rpc.Status;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/**
 * A stream whose requests are answered one by one, each as soon as it is ready, under the index of
 * its request. A request that fails is answered with its failure, and the stream goes on.
 *
 * <p>Back-pressure: the next request is read only while fewer than the bounds (count and bytes) are
 * unanswered, and while the client takes the answers. So a stream holds at most its bound of
 * requests and as many answers. Everything runs on the call's event loop.
 */
abstract class ItemStream<Q extends Message, R extends Message> implements MessageStream<Q> {
  private final Call<Q, R> call;
  private final int maxInFlight;
  private final long maxInFlightBytes;
  private final Set<CompletableFuture<?>> inFlight = new HashSet<>();
  private long inFlightBytes;
  private long nextIndex;
  private boolean asked;
  private boolean halfClosed;

  ItemStream(Call<Q, R> call, GrpcConfig config) {
    this.call = call;
    this.maxInFlight = config.maxInFlightPerStream();
    this.maxInFlightBytes = config.maxInFlightBytesPerStream();
    call.onWritable(this::readOn);
    readOn();
  }

  /**
   * The answer to a request, as something that the event loop turns into a message; what is thrown
   * is the answer, too.
   */
  abstract CompletableFuture<Supplier<R>> answer(Q request, long index);

  /** The answer that tells of a failure. */
  abstract R error(long index, Status error);

  @Override
  public final void message(Q message, int bytes) {
    asked = false;
    long index = nextIndex++;
    CompletableFuture<Supplier<R>> answer;
    try {
      answer = answer(message, index);
    } catch (Throwable failure) {
      answer = CompletableFuture.failedFuture(failure);
    }
    inFlight.add(answer);
    inFlightBytes += bytes;
    CompletableFuture<Supplier<R>> item = answer;
    Futures.onDone(
        item,
        call,
        response -> finish(item, bytes, response.get()),
        failure -> finish(item, bytes, error(index, Statuses.of(failure))));
    readOn();
  }

  @Override
  public final void halfClosed() {
    halfClosed = true;
    endIfDone();
  }

  @Override
  public final void closed() {
    for (CompletableFuture<?> item : Set.copyOf(inFlight)) {
      item.cancel(false);
    }
    inFlight.clear();
  }

  @SuppressWarnings("CollectionUndefinedEquality") // by identity, on purpose
  private void finish(CompletableFuture<?> item, int bytes, R response) {
    inFlight.remove(item);
    inFlightBytes -= bytes;
    call.write(response);
    readOn();
    endIfDone();
  }

  private void readOn() {
    boolean room = inFlight.size() < maxInFlight && inFlightBytes < maxInFlightBytes;
    if (room && !asked && !halfClosed && call.writable()) {
      asked = true;
      call.request();
    }
  }

  private void endIfDone() {
    if (halfClosed && inFlight.isEmpty()) {
      call.end();
    }
  }
}
