package dev.perennial.server.clip;

/**
 * The learned keys and values of several tasks on one device. Owned by the {@link ClipModel}'s
 * thread.
 */
public final class PrefixBank implements AutoCloseable {
  private PrefixBank() {}

  /** Number of slots. */
  public int size() {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
