package dev.perennial.client;

import io.grpc.Attributes;
import io.grpc.CallOptions;
import io.grpc.ClientStreamTracer;
import io.grpc.ConnectivityState;
import io.grpc.LoadBalancer.PickResult;
import io.grpc.LoadBalancer.PickSubchannelArgs;
import io.grpc.LoadBalancer.Subchannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor.MethodType;
import io.grpc.Status;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One server as the balancer of one channel sees it: whether it serves, and what it has to do. The
 * state changes under the channel's synchronization context only; all can be read by any thread.
 */
final class Member {
  /** A member that owes unary answers and says nothing for so long had better be left alone. */
  static final Duration MAX_SILENCE = Duration.ofSeconds(1);

  final String address;
  final Subchannel subchannel;

  private final AtomicInteger calls = new AtomicInteger();
  private final AtomicInteger unaryCalls = new AtomicInteger();
  private final Set<Route> routes = ConcurrentHashMap.newKeySet();
  private volatile long heardNanos = System.nanoTime();
  private volatile ConnectivityState state = ConnectivityState.IDLE;
  private volatile Status failure = Status.OK;

  Member(String address, Subchannel subchannel) {
    this.address = address;
    this.subchannel = subchannel;
  }

  ConnectivityState state() {
    return state;
  }

  /** Why it does not serve. */
  Status failure() {
    return failure;
  }

  /** One that failed is said to connect only once it serves: until then nobody waits for it. */
  void become(ConnectivityState now, Status reason) {
    boolean failed = state == ConnectivityState.TRANSIENT_FAILURE;
    if (now == ConnectivityState.TRANSIENT_FAILURE) {
      failure = reason;
    }
    if (!failed
        || now == ConnectivityState.READY
        || now == ConnectivityState.TRANSIENT_FAILURE
        || now == ConnectivityState.SHUTDOWN) {
      state = now;
    }
  }

  boolean serves() {
    return state == ConnectivityState.READY;
  }

  /** Calls and streams that are open on this channel. */
  int load() {
    return calls.get();
  }

  /** Whether it owes answers and has been silent for too long. */
  boolean silent(long nowNanos) {
    return unaryCalls.get() > 0 && nowNanos - heardNanos > MAX_SILENCE.toNanos();
  }

  /** Tells everyone who is on the way here, outside any lock. */
  void tellLeft() {
    routes.forEach(Route::memberLeft);
  }

  /** A call goes here. */
  PickResult take(PickSubchannelArgs call, int alternatives) {
    CallOptions options = call.getCallOptions();
    Route route = options.getOption(Route.KEY);
    if (route != null) {
      route.taken(address, alternatives);
    }
    boolean unary = call.getMethodDescriptor().getType() == MethodType.UNARY;
    return PickResult.withSubchannel(
        subchannel,
        new ClientStreamTracer.Factory() {
          @Override
          public ClientStreamTracer newClientStreamTracer(
              ClientStreamTracer.StreamInfo info, Metadata headers) {
            return new Watched(unary, route);
          }
        });
  }

  /** Counts one call from its stream's creation to its end. */
  private final class Watched extends ClientStreamTracer {
    private final boolean unary;
    private final @Nullable Route route;

    Watched(boolean unary, @Nullable Route route) {
      this.unary = unary;
      this.route = route;
    }

    @Override
    public void streamCreated(Attributes transport, Metadata headers) {
      calls.incrementAndGet();
      if (unary && unaryCalls.getAndIncrement() == 0) {
        heardNanos = System.nanoTime();
      }
      if (route != null) {
        routes.add(route);
      }
    }

    @Override
    public void inboundMessage(int number) {
      heardNanos = System.nanoTime();
    }

    @Override
    public void inboundTrailers(Metadata trailers) {
      heardNanos = System.nanoTime();
    }

    @Override
    public void streamClosed(Status status) {
      calls.decrementAndGet();
      if (unary) {
        unaryCalls.decrementAndGet();
      }
      if (route != null) {
        routes.remove(route);
      }
    }
  }
}
