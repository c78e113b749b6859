package dev.perennial.server.cli;

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

  /** What picocli injects before a command runs. */
  static CommandSpec spec(@Nullable CommandSpec injected) {
    if (injected == null) {
      throw new IllegalStateException("a command runs without its command line");
    }
    return injected;
  }
}
