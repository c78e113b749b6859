package dev.perennial.server.cli;

import dev.perennial.client.PerennialClient;
import java.time.Duration;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of commands that talk to a server, for {@code @Mixin}. */
final class ConnectionOptions {
  @Option(
      names = "--target",
      paramLabel = "HOST:PORT[,...]",
      description = "The server, or those of a cluster; a name stands for all its addresses.")
  private String target = "127.0.0.1:9090";

  @Mixin private SecurityOptions security = new SecurityOptions();

  @Option(
      names = "--deadline",
      defaultValue = "30s",
      paramLabel = "TIME",
      description = "Of each call.")
  private Duration deadline = Duration.ZERO;

  String target() {
    return target;
  }

  Duration deadline() {
    return deadline;
  }

  /** A client; the caller closes it. */
  PerennialClient connect() {
    return security.client(target).deadline(deadline).build();
  }
}
