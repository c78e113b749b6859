package dev.perennial.server;

import dev.perennial.server.chaos.LocalCluster;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Members in JVMs of their own, as tests start them. */
public final class TestClusters {
  private TestClusters() {}

  /**
   * How members of a test run.
   *
   * @param model null for the built-in one
   */
  public static LocalCluster.Settings settings(@Nullable Path model) {
    return new LocalCluster.Settings(model, Duration.ofSeconds(8), Duration.ofSeconds(3));
  }
}
