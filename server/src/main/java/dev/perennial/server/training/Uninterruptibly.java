package dev.perennial.server.training;

/** Waiting that an interrupt does not end; the thread's interrupted status is kept for later. */
final class Uninterruptibly {

  /** Something that waits. */
  interface Wait {
    void run() throws InterruptedException;
  }

  private Uninterruptibly() {}

  static void run(Wait wait) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          wait.run();
          return;
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
