package dev.perennial.server.grpc;

/**
 * What a method does with the messages of one call. All calls come on the call's event loop; what
 * is thrown ends the call with that failure.
 */
interface MessageStream<Q> {
  /** One message that was asked for with {@link Call#request}. */
  void message(Q message, int bytes);

  /** The client has sent everything. */
  void halfClosed();

  /** The call is over, for whatever reason; comes exactly once, and last. */
  void closed();
}
