package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertFalse;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskTest {
  private static final int ROUNDS = 200;

  @TempDir private Path directory;

  /** As a lease is, of an upload that is thrown away. */
  @Test
  void delete_somebodyIsWritingIntoIt_nothingIsLeft() throws Exception {
    for (int i = 0; i < ROUNDS; i++) {
      Path upload = Files.createDirectory(directory.resolve("upload" + i));
      CountDownLatch written = new CountDownLatch(1);
      CompletableFuture<Void> writer =
          CompletableFuture.runAsync(
              () -> {
                while (writes(upload.resolve(JobStore.SPOOL))) {
                  written.countDown();
                }
              });
      written.await();
      Disk.REAL.delete(upload);
      writer.get();
      assertFalse(Files.exists(upload));
    }
  }

  /** False once there is no directory any more. */
  private static boolean writes(Path file) {
    try {
      Disk.REAL.replace(file, new byte[] {1});
      return true;
    } catch (IOException e) {
      return false;
    }
  }
}
