package dev.perennial.server;

import dev.perennial.server.chaos.LocalCluster;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/**
 * Members a, b and c in JVMs of their own, on the loopback interface and with a tiny model, for all
 * tests of a class: one class at a time.
 */
abstract class ThreeMembers {
  @TempDir static Path directory;

  static LocalCluster cluster;

  @BeforeAll
  static void start() {
    cluster =
        LocalCluster.onLoopback(
            directory,
            TestClusters.settings(TinyModel.write(directory.resolve("model"))),
            List.of("a", "b", "c"));
    cluster.startAll();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }
}
