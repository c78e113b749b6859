package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.perennial.client.PerennialClient;
import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.chaos.MemberProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The Java client under load while members of a cluster, real JVMs, are killed and restarted: no
 * request may fail. In the Maven profile {@code cluster}: {@code mvn verify -Pcluster
 * -Dit.test=FailoverIT}.
 */
@Tag("cluster")
@Timeout(400)
class FailoverIT {
  private static final double RATE = 40;

  @TempDir private static Path directory;

  private static LocalCluster cluster;

  @BeforeAll
  static void start() {
    cluster =
        LocalCluster.onLoopback(
            directory.resolve("members"),
            new LocalCluster.Settings(
                TinyModel.write(directory.resolve("model")),
                Duration.ofSeconds(8),
                Duration.ofSeconds(3)),
            List.of("a", "b", "c"));
    cluster.startAll();
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  private static PerennialClient connect() {
    return PerennialClient.builder()
        .target(
            cluster.members().stream()
                .map(MemberProcess::address)
                .collect(Collectors.joining(",")))
        .build();
  }

  @Test
  void kill9_underLoad_noRequestFails() throws Exception {
    try (PerennialClient client = connect();
        SteadyLoad load = SteadyLoad.start(client, RATE)) {
      load.awaitMore(80);
      for (MemberProcess victim : cluster.members()) {
        victim.kill();
        load.awaitMore(120);
        cluster.makeWhole();
        load.awaitMore(40);
      }
      load.stop();
      assertEquals(List.of(), load.failures());
    }
  }

  @Test
  void rollingRestart_underLoad_noRequestFails() throws Exception {
    try (PerennialClient client = connect();
        SteadyLoad load = SteadyLoad.start(client, RATE)) {
      load.awaitMore(80);
      for (MemberProcess member : cluster.members()) {
        member.terminate();
        member.start();
      }
      load.awaitMore(80);
      load.stop();
      assertEquals(List.of(), load.failures());
    }
  }
}
