package dev.perennial.client;

import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.netty.GrpcSslContexts;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import io.netty.handler.ssl.SslContextBuilder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/** Gathers what a {@link PerennialClient} needs. Not safe for use by several threads. */
public final class ClientBuilder {
  static final int MIN_CHANNELS = 2;
  private static final int MAX_CHANNELS = 4;

  /** A dead connection is noticed after these two, while calls are in flight. */
  private static final Duration KEEPALIVE_TIME = Duration.ofSeconds(10);

  private static final Duration KEEPALIVE_TIMEOUT = Duration.ofSeconds(5);

  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  private @Nullable String target;
  private boolean tls;
  private @Nullable Path trustFile;
  private @Nullable String authority;
  private @Nullable String token;
  private int channels = MIN_CHANNELS;
  private ClientConfig config = ClientConfig.DEFAULTS;

  ClientBuilder() {}

  /**
   * Where the servers are: {@code host:port}, several of them with commas between, or any target
   * that gRPC resolves. A name stands for all addresses that it has, and is looked up again every
   * few seconds (as far as the JVM forgets what it knows: {@code networkaddress.cache.ttl}).
   */
  public ClientBuilder target(String target) {
    this.target = target;
    return this;
  }

  /** Encrypted, the server's certificate checked against the JVM's trusted authorities. */
  public ClientBuilder tls() {
    tls = true;
    return this;
  }

  /** Encrypted, the server's certificate checked against the certificates of a PEM file. */
  public ClientBuilder tls(Path trustFile) {
    this.tls = true;
    this.trustFile = trustFile;
    return this;
  }

  /** The name that the server's certificate must carry, where it is not the target's host. */
  public ClientBuilder authority(String authority) {
    this.authority = authority;
    return this;
  }

  /** Sent with every call as a bearer token. Without TLS it can be read on the way. */
  public ClientBuilder token(String token) {
    this.token = token;
    return this;
  }

  /** Of each unary call, retries included; default 30 seconds. */
  public ClientBuilder deadline(Duration deadline) {
    config = config.withDeadline(deadline);
    return this;
  }

  /** Of each stream, upload and watch as a whole; default 24 hours. */
  public ClientBuilder streamDeadline(Duration deadline) {
    config = config.withStreamDeadline(deadline);
    return this;
  }

  /**
   * Connections to each server that calls and streams are spread over, 2 to 4; default 2. The
   * server serves each by one thread.
   */
  public ClientBuilder channels(int channels) {
    if (channels < MIN_CHANNELS || channels > MAX_CHANNELS) {
      throw new IllegalArgumentException(
          "channels: %d (expected: %d..%d)".formatted(channels, MIN_CHANNELS, MAX_CHANNELS));
    }
    this.channels = channels;
    return this;
  }

  /** Bytes of a message, both ways; default 16 MiB. */
  public ClientBuilder maxMessageSize(int bytes) {
    config = config.withMaxMessageSize(bytes);
    return this;
  }

  /**
   * A classify or embed call that has no answer after this time is also asked of a second server,
   * and the first answer counts; default: never. It costs work: choose a time that few calls reach.
   */
  public ClientBuilder hedgeAfter(Duration time) {
    config = config.withHedgeAfter(time);
    return this;
  }

  /** How long a broken upload or watch is taken up again while no server answers. Default 2 min. */
  public ClientBuilder resumePatience(Duration patience) {
    config = config.withResumePatience(patience);
    return this;
  }

  /** How long closing waits for calls in flight; default 5 seconds. */
  public ClientBuilder closeGrace(Duration grace) {
    config = config.withCloseGrace(grace);
    return this;
  }

  /** Starts the client. Connects when the first call is made. */
  public PerennialClient build() {
    return build(this::transport, new RetryPolicy(() -> ThreadLocalRandom.current().nextDouble()));
  }

  PerennialClient build(Supplier<ManagedChannelBuilder<?>> transport, RetryPolicy retries) {
    MemberBalancer.register();
    List<ManagedChannel> opened = new ArrayList<>();
    for (int i = 0; i < channels; i++) {
      ManagedChannelBuilder<?> channel =
          transport
              .get()
              .maxInboundMessageSize(config.maxMessageSize())
              .disableServiceConfigLookUp()
              .defaultServiceConfig(MemberBalancer.serviceConfig());
      if (token != null) {
        channel.intercept(MetadataUtils.newAttachHeadersInterceptor(bearer(token)));
      }
      opened.add(channel.build());
    }
    return new PerennialClient(new Connection(opened, config, retries));
  }

  private NettyChannelBuilder transport() {
    if (target == null) {
      throw new IllegalStateException("target: not set (expected: host:port)");
    }
    NettyChannelBuilder builder =
        NettyChannelBuilder.forTarget(
                MemberAddresses.isList(target)
                    ? MemberResolver.target(MemberAddresses.parse(target))
                    : target)
            .keepAliveTime(KEEPALIVE_TIME.toSeconds(), TimeUnit.SECONDS)
            .keepAliveTimeout(KEEPALIVE_TIMEOUT.toSeconds(), TimeUnit.SECONDS);
    if (authority != null) {
      builder.overrideAuthority(authority);
    }
    return tls ? secured(builder) : builder.usePlaintext();
  }

  private NettyChannelBuilder secured(NettyChannelBuilder builder) {
    SslContextBuilder context = GrpcSslContexts.forClient();
    if (trustFile != null) {
      context.trustManager(trustFile.toFile());
    }
    try {
      return builder.useTransportSecurity().sslContext(context.build());
    } catch (SSLException e) {
      throw new IllegalArgumentException("trust file: " + trustFile + " (expected: PEM)", e);
    }
  }

  private static Metadata bearer(String token) {
    Metadata headers = new Metadata();
    headers.put(AUTHORIZATION, "Bearer " + token);
    return headers;
  }
}
