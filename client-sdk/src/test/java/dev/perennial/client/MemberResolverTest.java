package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.grpc.NameResolver;
import io.grpc.NameResolver.ResolutionResult;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.SynchronizationContext;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MemberResolverTest {
  private final List<StatusOr<Integer>> told = new ArrayList<>();
  private final List<InetAddress> known = new ArrayList<>();
  private long nanos;

  private final NameResolver.Listener2 listener =
      new NameResolver.Listener2() {
        @Override
        public void onResult(ResolutionResult result) {
          var found = result.getAddressesOrError();
          told.add(
              found.hasValue()
                  ? StatusOr.fromValue(found.getValue().size())
                  : StatusOr.fromStatus(found.getStatus()));
        }

        @Override
        public void onError(Status error) {
          throw new AssertionError(error);
        }
      };

  private MemberResolver resolver() {
    NameResolver.Args args =
        NameResolver.Args.newBuilder()
            .setDefaultPort(80)
            .setProxyDetector(address -> null)
            .setSynchronizationContext(
                new SynchronizationContext(
                    (thread, failure) -> {
                      throw new AssertionError(failure);
                    }))
            .setServiceConfigParser(
                new NameResolver.ServiceConfigParser() {
                  @Override
                  public NameResolver.ConfigOrError parseServiceConfig(Map<String, ?> raw) {
                    throw new AssertionError(raw);
                  }
                })
            .setOffloadExecutor(Runnable::run)
            .build();
    return new MemberResolver(
        MemberAddresses.parse("pool:80"),
        host -> {
          if (known.isEmpty()) {
            throw new UnknownHostException(host);
          }
          return List.copyOf(known);
        },
        () -> nanos,
        args);
  }

  private void pause() {
    nanos += MemberResolver.MIN_PAUSE.toNanos() + 1;
  }

  @Test
  void refresh_changedAddresses_tellsThemAfterThePause() throws UnknownHostException {
    MemberResolver resolver = resolver();
    known.add(InetAddress.getByAddress(new byte[] {10, 0, 0, 1}));
    resolver.start(listener);
    assertEquals(List.of(StatusOr.fromValue(1)), told);

    known.add(InetAddress.getByAddress(new byte[] {10, 0, 0, 2}));
    resolver.refresh();
    assertEquals(1, told.size());
    pause();
    resolver.refresh();
    assertEquals(List.of(StatusOr.fromValue(1), StatusOr.fromValue(2)), told);

    pause();
    resolver.refresh();
    assertEquals(2, told.size());
  }

  @Test
  void refresh_nameServerGone_keepsWhatIsKnown() throws UnknownHostException {
    MemberResolver resolver = resolver();
    resolver.start(listener);
    assertFalse(told.get(0).hasValue());
    assertEquals("members: pool:80: no such host", told.get(0).getStatus().getDescription());

    known.add(InetAddress.getByAddress(new byte[] {10, 0, 0, 1}));
    pause();
    resolver.refresh();
    known.clear();
    pause();
    resolver.refresh();
    assertEquals(2, told.size());

    resolver.shutdown();
    known.add(InetAddress.getByAddress(new byte[] {10, 0, 0, 2}));
    pause();
    resolver.refresh();
    assertEquals(2, told.size());
  }
}
