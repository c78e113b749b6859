package dev.perennial.server.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;

/** What all commands share. */
final class Commands {
  private Commands() {}

  /** What picocli injects before a command runs. */
  static CommandSpec spec(@Nullable CommandSpec injected) {
    if (injected == null) {
      throw new IllegalStateException("a command runs without its command line");
    }
    return injected;
  }
}
