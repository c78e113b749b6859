package dev.perennial.server.grpc;

import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http2.Http2Exception;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;

/**
 * Keeps the failure of one stream from ending its connection, and with it all its neighbours.
 *
 * <p>When a client resets a stream whose trailers are written but not flushed, Netty fails that
 * write. Vert.x 5.0.7 writes trailers with a void promise, so the failure travels down the pipeline
 * as an exception of the connection, and Vert.x closes that. This handler stands first and stops
 * exceptions that concern one stream; Vert.x hears of the reset by itself. One per connection; runs
 * on its event loop.
 */
final class StreamFailures extends ChannelInboundHandlerAdapter {
  private StreamFailures() {}

  /** Guards a new connection. */
  static void contain(HttpConnection connection) {
    if (connection instanceof ConnectionBase base) {
      base.channelHandlerContext().pipeline().addFirst(new StreamFailures());
    }
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    if (!concernsOneStream(cause)) {
      context.fireExceptionCaught(cause);
    }
  }

  /** Netty's two ways to say that a stream is gone. */
  private static boolean concernsOneStream(Throwable cause) {
    String message = cause.getMessage();
    return cause instanceof Http2Exception.StreamException
        || (cause instanceof IllegalStateException
            && message != null
            && message.startsWith("Stream no longer exists"));
  }
}
