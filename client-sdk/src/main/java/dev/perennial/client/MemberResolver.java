package dev.perennial.client;

import io.grpc.EquivalentAddressGroup;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.SynchronizationContext;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells a channel the addresses of {@link MemberAddresses}. gRPC's own resolver knows one name, and
 * looks it up again only after failures; this one does so whenever it is asked to, at most every
 * {@link #MIN_PAUSE}, and tells what has changed. Runs in the channel's synchronization context.
 */
final class MemberResolver extends NameResolver {
  /** Between two lookups. */
  static final Duration MIN_PAUSE = Duration.ofSeconds(2);

  private static final String SCHEME = "perennial";

  private final MemberAddresses addresses;
  private final MemberAddresses.Lookup lookup;
  private final LongSupplier nanoTime;
  private final SynchronizationContext context;
  private final Executor offload;
  private @Nullable Listener2 listener;
  private @Nullable List<EquivalentAddressGroup> told;
  private boolean running;
  private boolean stopped;
  private long endedNanos;

  MemberResolver(
      MemberAddresses addresses, MemberAddresses.Lookup lookup, LongSupplier nanoTime, Args args) {
    this.addresses = addresses;
    this.lookup = lookup;
    this.nanoTime = nanoTime;
    this.context = args.getSynchronizationContext();
    this.offload = Objects.requireNonNull(args.getOffloadExecutor(), "offload executor");
  }

  /** The target of a channel to those members. */
  static String target(MemberAddresses addresses) {
    Provider.register();
    try {
      return new URI(SCHEME, "", "/" + addresses, null).toString();
    } catch (URISyntaxException e) {
      throw new IllegalArgumentException("target: " + addresses + " (expected: host:port)", e);
    }
  }

  @Override
  public String getServiceAuthority() {
    return addresses.places().get(0).toString();
  }

  @Override
  public void start(Listener2 given) {
    listener = given;
    lookUp();
  }

  @Override
  public void refresh() {
    if (nanoTime.getAsLong() - endedNanos > MIN_PAUSE.toNanos()) {
      lookUp();
    }
  }

  private void lookUp() {
    if (running || stopped) {
      return;
    }
    running = true;
    offload.execute(
        () -> {
          StatusOr<List<EquivalentAddressGroup>> found = found();
          context.execute(() -> tell(found));
        });
  }

  private StatusOr<List<EquivalentAddressGroup>> found() {
    try {
      return StatusOr.fromValue(addresses.resolve(lookup));
    } catch (UnknownHostException e) {
      return StatusOr.fromStatus(
          Status.UNAVAILABLE.withDescription("members: " + e.getMessage()).withCause(e));
    }
  }

  /** What is known stays, where a lookup fails. */
  private void tell(StatusOr<List<EquivalentAddressGroup>> found) {
    running = false;
    endedNanos = nanoTime.getAsLong();
    Listener2 hearer = listener;
    boolean known = told != null && (!found.hasValue() || told.equals(found.getValue()));
    if (stopped || hearer == null || known) {
      return;
    }
    if (found.hasValue()) {
      told = found.getValue();
    }
    hearer.onResult2(ResolutionResult.newBuilder().setAddressesOrError(found).build());
  }

  @Override
  public void shutdown() {
    stopped = true;
  }

  /** Makes the scheme known to gRPC. */
  private static final class Provider extends NameResolverProvider {
    private static final Provider ONLY = new Provider();

    static {
      NameResolverRegistry.getDefaultRegistry().register(ONLY);
    }

    /** Loading this class did it. */
    static void register() {}

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 5; // gRPC's middle: nothing competes for the scheme
    }

    @Override
    public String getDefaultScheme() {
      return SCHEME;
    }

    @Override
    public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
      return Set.of(InetSocketAddress.class);
    }

    @Override
    public @Nullable NameResolver newNameResolver(URI target, Args args) {
      return SCHEME.equals(target.getScheme())
          ? new MemberResolver(
              MemberAddresses.parse(target.getPath().substring(1)),
              MemberAddresses.Lookup.JVM,
              System::nanoTime,
              args)
          : null;
    }
  }
}
