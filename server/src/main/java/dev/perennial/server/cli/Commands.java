package dev.perennial.server.cli;

import dev.perennial.server.Server;
import dev.perennial.server.ServerConfig;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** What all commands share. */
final class Commands {
  private Commands() {}

  /** Whether a person watches the output: bars that move are for them, lines for logs. */
  @SuppressWarnings("SystemConsoleNull") // bin/perennial asks newer JDKs for the same behaviour
  static boolean onTerminal() {
    return System.console() != null;
  }

  /**
   * A server of the command's own, closed also where the process is told to stop: a device's thread
   * must not be inside PyTorch while its library is taken down.
   */
  static Server startServer(ServerConfig config) {
    Server server = Server.start(config);
    Runtime.getRuntime().addShutdownHook(new Thread(server::close, "stop"));
    return server;
  }

  /** What picocli injects before a command runs. */
  static CommandSpec spec(@Nullable CommandSpec injected) {
    if (injected == null) {
      throw new IllegalStateException("a command runs without its command line");
    }
    return injected;
  }
}
