package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A commit moves an upload's files while they are copied. */
@Timeout(60)
class CommitMovesTest {
  @TempDir Path directory;
  private final AtomicReference<@Nullable LocalJobs> local = new AtomicReference<>();

  /** Other servers that have a copy of everything, and note what they are given to ask. */
  private JobPeers peers() {
    return (JobPeers)
        Proxy.newProxyInstance(
            JobPeers.class.getClassLoader(),
            new Class<?>[] {JobPeers.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "alone" -> false;
                  case "copied" -> CompletableFuture.completedFuture(null);
                  case "start" -> {
                    local.set((LocalJobs) arguments[0]);
                    yield null;
                  }
                  default -> null;
                });
  }

  @Test
  void saveLease_committedMeanwhile_isSavedWhereTheJobIs() throws Exception {
    Path job = directory.resolve("jobs/moved");
    Disk disk =
        new Disk() {
          @Override
          void replace(Path file, byte[] bytes) throws IOException {
            if (file.endsWith("lease") && !Files.exists(job)) {
              super.move(Objects.requireNonNull(file.getParent()), job);
            }
            super.replace(file, bytes);
          }
        };
    try (FakeHost host = new FakeHost();
        TrainingJobs jobs =
            new TrainingJobs(
                directory,
                host,
                TrainingConfig.DEFAULT,
                disk,
                TestJobs.CLOCK,
                System::nanoTime,
                peers())) {
      jobs.start();
      Path upload = Files.createDirectory(directory.resolve("uploads/moved"));
      Files.write(upload.resolve(JobStore.SPOOL), new byte[7]);
      LocalJobs here = Objects.requireNonNull(local.get());
      here.saveLease("moved", new Lease(1, 2, false));
      assertTrue(Files.exists(job.resolve("lease")));
      assertEquals(7, here.spoolBytes("moved"));
    }
  }
}
