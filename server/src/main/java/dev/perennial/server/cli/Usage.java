package dev.perennial.server.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;

/** Failures of how a command was called. */
final class Usage {
  private Usage() {}

  /** Ends the command with its usage and exit code 2. */
  static RuntimeException error(@Nullable CommandSpec spec, IllegalArgumentException cause) {
    return new ParameterException(Commands.spec(spec).commandLine(), cause.getMessage(), cause);
  }
}
