package dev.perennial.server;

/**
 * A running server: every object is built here, by hand, started in order and closed in reverse. A
 * start that fails half-way closes what it opened.
 */
public final class Server implements AutoCloseable {
  private Server() {}

  /** Loads the model, opens the data, listens; blocks until calls are answered. */
  public static Server start(ServerConfig config) {
    throw new UnsupportedOperationException();
  }

  /** The port that is listened on. */
  public int port() {
    throw new UnsupportedOperationException();
  }

  /** Drains and closes; blocks. Twice is fine. */
  @Override
  public void close() {}
}
