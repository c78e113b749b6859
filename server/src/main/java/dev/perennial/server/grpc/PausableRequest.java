package dev.perennial.server.grpc;

import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.internal.http.HttpServerRequestInternal;
import io.vertx.core.internal.http.HttpServerRequestWrapper;

/**
 * A request that may be paused and resumed when it has been read to its end. Vert.x gRPC (5.0.7)
 * does so where a client half-closes with some sixteen messages unread, and Vert.x's HTTP/2 then
 * throws on the event loop ("Request has already been read"), where nobody waits for it. For the
 * event loop of its connection.
 */
final class PausableRequest extends HttpServerRequestWrapper {
  PausableRequest(HttpServerRequest request) {
    super((HttpServerRequestInternal) request);
  }

  @Override
  public HttpServerRequest pause() {
    return isEnded() ? this : super.pause();
  }

  @Override
  public HttpServerRequest resume() {
    return isEnded() ? this : super.resume();
  }

  @Override
  public HttpServerRequest fetch(long amount) {
    return isEnded() ? this : super.fetch(amount);
  }
}
