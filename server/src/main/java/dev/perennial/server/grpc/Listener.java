package dev.perennial.server.grpc;

import com.google.protobuf.Message;
import dev.perennial.server.error.ServingException;
import io.vertx.core.Future;
import io.vertx.core.VerticleBase;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.Http2Settings;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.http.HttpHeaders;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.net.PemKeyCertOptions;
import io.vertx.grpc.common.GrpcStatus;
import io.vertx.grpc.server.GrpcProtocol;
import io.vertx.grpc.server.GrpcServer;
import io.vertx.grpc.server.GrpcServerOptions;
import io.vertx.grpc.server.GrpcServerRequest;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** One event loop's share of the socket: takes connections, and gives each call to its method. */
final class Listener extends VerticleBase {
  private static final int STREAM_WINDOW_BYTES = 1 << 20;
  private static final int CONNECTION_WINDOW_BYTES = 4 << 20;

  /** Vert.x closes connections that reset more streams in 30 s; gRPC clients cancel freely. */
  private static final int MAX_RESETS_PER_30_SECONDS = 20_000;

  private final GrpcConfig config;
  private final int port;
  private final Map<String, Method<?, ?>> methods;
  private final ActiveCalls calls;
  private final @Nullable Tokens tokens;
  private @Nullable HttpServer server;

  /**
   * @param tokens null lets everybody in
   */
  Listener(
      GrpcConfig config,
      int port,
      Map<String, Method<?, ?>> methods,
      ActiveCalls calls,
      @Nullable Tokens tokens) {
    this.config = config;
    this.port = port;
    this.methods = methods;
    this.calls = calls;
    this.tokens = tokens;
  }

  @Override
  public Future<?> start() {
    GrpcServer grpc =
        GrpcServer.server(
                vertx,
                new GrpcServerOptions()
                    .setMaxMessageSize(config.maxMessageBytes())
                    .setScheduleDeadlineAutomatically(false)
                    .setDeadlinePropagation(false)
                    .removeEnabledProtocol(GrpcProtocol.WEB)
                    .removeEnabledProtocol(GrpcProtocol.WEB_TEXT)
                    .removeEnabledProtocol(GrpcProtocol.TRANSCODING))
            .callHandler(this::handle);
    server =
        vertx
            .createHttpServer(options())
            .connectionHandler(Listener::connected)
            .requestHandler(request -> accept(grpc, request));
    return server.listen();
  }

  /** The port that is listened on, once started. */
  int actualPort() {
    return server == null ? 0 : server.actualPort();
  }

  /** Takes no more connections; ends those there are once their streams have ended, or by then. */
  Future<Void> shutdown(Duration timeout) {
    return server == null
        ? Future.succeededFuture()
        : server.shutdown(timeout.toMillis(), TimeUnit.MILLISECONDS);
  }

  private HttpServerOptions options() {
    HttpServerOptions options =
        new HttpServerOptions()
            .setHost(config.host())
            .setPort(port)
            .setHttp2ConnectionWindowSize(CONNECTION_WINDOW_BYTES)
            .setHttp2RstFloodMaxRstFramePerWindow(MAX_RESETS_PER_30_SECONDS);
    options.setInitialSettings(
        new Http2Settings()
            .setInitialWindowSize(STREAM_WINDOW_BYTES)
            .setMaxConcurrentStreams(config.maxStreamsPerConnection()));
    GrpcConfig.Tls tls = config.tls();
    if (tls != null) {
      options
          .setSsl(true)
          .setUseAlpn(true)
          .setKeyCertOptions(
              new PemKeyCertOptions()
                  .addCertPath(tls.certificate().toString())
                  .addKeyPath(tls.key().toString()));
    }
    return options;
  }

  private static void connected(HttpConnection connection) {
    StreamFailures.contain(connection);
    AnyAuthority.accept(connection);
  }

  /** Vert.x knows no parameters in the content type; some clients send a charset. */
  private static void accept(GrpcServer grpc, HttpServerRequest request) {
    String path = request.path();
    if (path == null || path.indexOf('/', 1) < 0) {
      request.response().setStatusCode(404).end();
      return;
    }
    String contentType = request.getHeader(HttpHeaders.CONTENT_TYPE);
    if (contentType != null && contentType.startsWith("application/grpc")) {
      int parameters = contentType.indexOf(';');
      if (parameters > 0) {
        request
            .headers()
            .set(HttpHeaders.CONTENT_TYPE, contentType.substring(0, parameters).strip());
      }
    }
    grpc.handle(new PausableRequest(request));
  }

  private void handle(GrpcServerRequest<Buffer, Buffer> request) {
    Method<?, ?> method = methods.get(request.fullMethodName());
    if (method == null) {
      request
          .response()
          .status(GrpcStatus.UNIMPLEMENTED)
          .statusMessage(
              "method: " + request.fullMethodName() + " (expected: one that reflection lists)")
          .end();
      request.resume();
      return;
    }
    open(request, method);
  }

  private <Q extends Message, R extends Message> void open(
      GrpcServerRequest<Buffer, Buffer> request, Method<Q, R> method) {
    Duration limit = config.maxCallDuration();
    long maxNanos = method.limited() && !limit.isZero() ? limit.toNanos() : Long.MAX_VALUE;
    Call<Q, R> call =
        new Call<>(request, method, config.maxMessageBytes(), maxNanos, vertx, calls::remove);
    try {
      // Health tells nothing but that we are there, and probes carry no token.
      if (tokens != null && !method.whileDraining()) {
        tokens.check(request.headers().get(HttpHeaders.AUTHORIZATION));
      }
      calls.add(call);
    } catch (ServingException refused) {
      Call.refuse(request, refused);
      return;
    }
    call.start();
  }
}
