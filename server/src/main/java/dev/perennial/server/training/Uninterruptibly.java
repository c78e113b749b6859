package dev.perennial.server.training;

/** Waiting that an interrupt does not end; the thread's interrupted status is kept for later. */
final class Uninterruptibly {

  /** Something that waits. */
  interface Wait {
    void run() throws InterruptedException;
  }

  /** Something that waits for a value. */
  interface WaitFor<T> {
    T get() throws InterruptedException;
  }

  private Uninterruptibly() {}

  static void run(Wait wait) {
    boolean unused =
        get(
            () -> {
              wait.run();
              return true;
            });
  }

  static <T> T get(WaitFor<T> wait) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return wait.get();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
