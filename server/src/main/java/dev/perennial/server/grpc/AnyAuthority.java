package dev.perennial.server.grpc;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.Http2ConnectionDecoder;
import io.netty.handler.codec.http2.Http2ConnectionHandler;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameListener;
import io.netty.handler.codec.http2.Http2FrameListenerDecorator;
import io.netty.handler.codec.http2.Http2Headers;
import io.vertx.core.http.HttpConnection;
import io.vertx.core.net.impl.ConnectionBase;

/**
 * Lets clients call us by any name: it means nothing to us.
 *
 * <p>A gRPC client that was given several addresses calls each server by the whole list ({@code
 * ipv4:a:1,b:2} in Python, C++, Ruby, PHP; a resolver of one's own in Go). That is no host and
 * port: Vert.x 5.0.7 resets such streams, and where there is a percent sign in it, ends the
 * connection. So it never sees the name. One per connection; runs on its event loop.
 */
final class AnyAuthority extends Http2FrameListenerDecorator {
  private static final CharSequence AUTHORITY = Http2Headers.PseudoHeaderName.AUTHORITY.value();

  private AnyAuthority(Http2FrameListener listener) {
    super(listener);
  }

  /** On a new connection, before its first request is read. */
  static void accept(HttpConnection connection) {
    if (connection instanceof ConnectionBase base) {
      Http2ConnectionHandler handler =
          base.channelHandlerContext().pipeline().get(Http2ConnectionHandler.class);
      if (handler != null) {
        Http2ConnectionDecoder decoder = handler.decoder();
        decoder.frameListener(new AnyAuthority(decoder.frameListener()));
      }
    }
  }

  @Override
  public void onHeadersRead(
      ChannelHandlerContext context,
      int streamId,
      Http2Headers headers,
      int padding,
      boolean endOfStream)
      throws Http2Exception {
    super.onHeadersRead(context, streamId, withoutName(headers), padding, endOfStream);
  }

  @Override
  public void onHeadersRead(
      ChannelHandlerContext context,
      int streamId,
      Http2Headers headers,
      int dependency,
      short weight,
      boolean exclusive,
      int padding,
      boolean endOfStream)
      throws Http2Exception {
    super.onHeadersRead(
        context,
        streamId,
        withoutName(headers),
        dependency,
        weight,
        exclusive,
        padding,
        endOfStream);
  }

  private static Http2Headers withoutName(Http2Headers headers) {
    headers.remove(AUTHORITY);
    headers.remove("host");
    return headers;
  }
}
