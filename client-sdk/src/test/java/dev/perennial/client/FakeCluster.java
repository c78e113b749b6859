package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertFalse;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.StatusOr;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessSocketAddress;
import java.io.IOException;
import java.net.SocketAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Several {@link FakeServer}s behind one target, in this process, and clients of them. A test that
 * registers it has new ones for each method; all are closed after it.
 */
final class FakeCluster implements BeforeEachCallback, AfterEachCallback {
  private static final String SCHEME = "fake-cluster";

  static {
    NameResolverRegistry.getDefaultRegistry().register(new Names());
  }

  final List<FakeServer> servers = new ArrayList<>();
  private final List<PerennialClient> clients = new ArrayList<>();
  private final int size;

  FakeCluster(int size) {
    this.size = size;
  }

  @Override
  public void beforeEach(ExtensionContext test) throws IOException {
    for (int i = 0; i < size; i++) {
      servers.add(new FakeServer());
    }
  }

  FakeServer get(int index) {
    return servers.get(index);
  }

  PerennialClient connect(ClientBuilder builder) {
    String names = String.join(",", servers.stream().map(server -> server.name).toList());
    PerennialClient client =
        builder.build(
            () -> InProcessChannelBuilder.forTarget(SCHEME + ":///" + names),
            new RetryPolicy(() -> 0.0));
    clients.add(client);
    return client;
  }

  PerennialClient connect() {
    return connect(servers.get(0).client());
  }

  /** A client to which every server serves, whichever channel a call takes. */
  PerennialClient connectToAll() {
    PerennialClient client = connect();
    meetAll(client);
    return client;
  }

  /** Each of the client's channels has been answered by each server: it knows that it serves. */
  void meetAll(PerennialClient client) {
    List<Integer> before = servers.stream().map(server -> server.arrivals.size()).toList();
    await(
        () -> {
          client.listTasks();
          return IntStream.range(0, before.size())
              .allMatch(
                  i ->
                      get(i).connections("ListTasks", before.get(i)) == ClientBuilder.MIN_CHANNELS);
        });
  }

  /** Of two servers. */
  FakeServer other(FakeServer server) {
    return get(0) == server ? get(1) : get(0);
  }

  /** Calls of that kind that arrived anywhere. */
  long arrived(String method) {
    return servers.stream().mapToLong(server -> server.arrived(method)).sum();
  }

  /** Tries again and again until it is so; the test's time limit is the bound. */
  static void await(BooleanSupplier condition) {
    CountDownLatch never = new CountDownLatch(1);
    try {
      while (!condition.getAsBoolean()) {
        assertFalse(never.await(2, TimeUnit.MILLISECONDS));
      }
    } catch (InterruptedException e) {
      throw new AssertionError("not in time", e);
    }
  }

  @Override
  public void afterEach(ExtensionContext test) {
    clients.forEach(PerennialClient::close);
    servers.forEach(FakeServer::close);
  }

  /** Resolves to the servers of the path. */
  private static final class Names extends NameResolverProvider {
    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 5;
    }

    @Override
    public String getDefaultScheme() {
      return SCHEME;
    }

    @Override
    public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
      return Set.of(InProcessSocketAddress.class);
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      List<EquivalentAddressGroup> addresses =
          Stream.of(target.getPath().substring(1).split(",", -1))
              .map(name -> new EquivalentAddressGroup(new InProcessSocketAddress(name)))
              .toList();
      return new NameResolver() {
        @Override
        public String getServiceAuthority() {
          return "fake";
        }

        @Override
        public void start(Listener2 listener) {
          args.getSynchronizationContext()
              .execute(
                  () -> {
                    var unused =
                        listener.onResult2(
                            ResolutionResult.newBuilder()
                                .setAddressesOrError(StatusOr.fromValue(addresses))
                                .build());
                  });
        }

        @Override
        public void shutdown() {}
      };
    }
  }
}
