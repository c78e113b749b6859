package dev.perennial.server.grpc;

import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Closes what nobody waits for any more. */
final class Closing {
  private static final Logger log = LoggerFactory.getLogger(Closing.class);

  private Closing() {}

  /** On a thread that may wait for the disk. */
  @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for it
  static void onPool(StorePool pool, AutoCloseable resource) {
    pool.submit(
        () -> {
          quietly(resource);
          return true;
        });
  }

  /** The same for what may still be on its way. */
  @SuppressWarnings("FutureReturnValueIgnored") // nobody waits for it
  static void onPool(StorePool pool, CompletableFuture<? extends AutoCloseable> resource) {
    resource.thenAccept(opened -> onPool(pool, opened));
  }

  static void quietly(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      log.warn("could not be closed", e);
    }
  }
}
