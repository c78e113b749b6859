package dev.perennial.server;

import dev.perennial.client.PerennialException;
import dev.perennial.server.cli.BenchCommand;
import dev.perennial.server.cli.ChaosCommand;
import dev.perennial.server.cli.ClassifyCommand;
import dev.perennial.server.cli.ClusterCommand;
import dev.perennial.server.cli.DataCommand;
import dev.perennial.server.cli.DemoCommand;
import dev.perennial.server.cli.EvalCommand;
import dev.perennial.server.cli.PretrainCommand;
import dev.perennial.server.cli.ServeCommand;
import dev.perennial.server.cli.TasksCommand;
import dev.perennial.server.cli.TrainCommand;
import dev.perennial.server.config.ByteSize;
import dev.perennial.server.config.DurationText;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/**
 * The command line. Exit codes: 0 fine, 1 failed (one line on stderr; the stack trace with {@code
 * --debug}), 2 not called as it should be.
 */
@Command(
    name = "perennial",
    description = "CLIP behind gRPC that keeps learning while it serves, and forgets nothing.",
    scope = ScopeType.INHERIT,
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    sortOptions = false,
    usageHelpAutoWidth = true,
    versionProvider = Main.Version.class,
    subcommands = {
      ServeCommand.class,
      DemoCommand.class,
      EvalCommand.class,
      TasksCommand.class,
      ClusterCommand.class,
      DataCommand.class,
      PretrainCommand.class,
      TrainCommand.class,
      ClassifyCommand.class,
      BenchCommand.class,
      ChaosCommand.class,
    })
public final class Main implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      showDefaultValue = CommandLine.Help.Visibility.NEVER,
      description = "Print the stack trace of a failure.")
  private boolean debug;

  Main() {}

  public static void main(String[] args) {
    Charset console = Charset.defaultCharset();
    System.exit(
        run(
            args,
            new PrintWriter(System.out, true, console),
            new PrintWriter(System.err, true, console)));
  }

  /** Runs one command and returns its exit code. */
  static int run(String[] args, PrintWriter out, PrintWriter err) {
    Main main = new Main();
    return new CommandLine(main)
        .registerConverter(ByteSize.class, ByteSize::parse)
        .registerConverter(Duration.class, DurationText::parse)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setOut(out)
        .setErr(err)
        .setExecutionExceptionHandler(main::failed)
        .execute(args);
  }

  @Override
  public void run() {
    CommandSpec called = spec;
    if (called != null) {
      throw new ParameterException(called.commandLine(), "a command is missing");
    }
  }

  private int failed(Exception failure, CommandLine command, CommandLine.ParseResult parsed) {
    PrintWriter err = command.getErr();
    err.println("perennial: " + line(failure));
    if (debug) {
      failure.printStackTrace(err);
    }
    boolean usage =
        failure instanceof ServingException serving
            && serving.code() == ErrorCode.INVALID_ARGUMENT
            && serving.reason().equals("BAD_SETTING");
    return usage ? CommandLine.ExitCode.USAGE : CommandLine.ExitCode.SOFTWARE;
  }

  private static String line(Exception failure) {
    String message = failure.getMessage();
    boolean ours = failure instanceof ServingException || failure instanceof PerennialException;
    if (ours && message != null) {
      return message;
    }
    return failure.getClass().getSimpleName() + (message == null ? "" : ": " + message);
  }

  /** The version in the jar's manifest. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = Main.class.getPackage().getImplementationVersion();
      return new String[] {"perennial " + (version == null ? "(not packaged)" : version)};
    }
  }
}
