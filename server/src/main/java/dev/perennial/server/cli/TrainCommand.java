package dev.perennial.server.cli;

import dev.perennial.client.Examples;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.TrainingJob;
import dev.perennial.client.TrainingOptions;
import dev.perennial.client.TrainingRun;
import dev.perennial.client.TrainingSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/**
 * {@code perennial train}: teaches a running server a task from a folder of images per class, or
 * follows a job that runs already.
 */
@Command(
    name = "train",
    description = "Teach a running server a task from a folder of images per class.")
public final class TrainCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Mixin private ConnectionOptions connection = new ConnectionOptions();

  @Option(names = "--task", paramLabel = "NAME", description = "The task; needed to teach one.")
  private @Nullable String task;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "One folder of images per class, named like it; needed to teach a task.")
  private @Nullable Path data;

  @Option(
      names = "--watch",
      paramLabel = "JOB",
      description = "Teach nothing; follow this job to its end (default: none).")
  private @Nullable String watch;

  @Option(
      names = "--template",
      paramLabel = "TEXT",
      description = "Sentence around a class name, with {} once (default: a photo of a {}).")
  private @Nullable String template;

  @Option(
      names = "--request-id",
      paramLabel = "ID",
      description = "The same id never trains twice (default: a new one).")
  private @Nullable String requestId;

  @Option(
      names = "--statistics-only",
      description = "Train nothing: add the examples' statistics to the task, which exists.")
  private boolean statisticsOnly;

  @Option(names = "--json", description = "Print events as JSON, one a line.")
  private boolean json;

  @ArgGroup(heading = "%nHyper-parameters:%n", exclusive = false)
  private Hyper hyper = new Hyper();

  /** What the recipe would choose. */
  static final class Hyper {
    @Option(names = "--recipe", description = "${COMPLETION-CANDIDATES} (default: ROBUST).")
    private TrainingOptions.@Nullable Recipe recipe;

    @Option(names = "--gate", description = "${COMPLETION-CANDIDATES} (default: ROBUST).")
    private TrainingOptions.@Nullable Gate gate;

    @Option(names = "--seed", paramLabel = "N", description = "Of start, order, augmentation.")
    private long seed;

    @Option(
        names = "--depth",
        paramLabel = "N",
        description = "Layers with a branch, per tower (default: the recipe's).")
    private @Nullable Integer depth;

    @Option(
        names = "--prefix-length",
        paramLabel = "N",
        description = "Keys and values per layer (default: the recipe's).")
    private @Nullable Integer prefixLength;

    @Option(
        names = "--epochs",
        paramLabel = "N",
        description = "Rounds over the examples (default: the recipe's).")
    private @Nullable Integer epochs;

    @Option(
        names = "--batch-size",
        paramLabel = "N",
        description = "Images in a step (default: the recipe's).")
    private @Nullable Integer batchSize;

    @Option(
        names = "--learning-rate",
        paramLabel = "X",
        description = "Of the first step (default: the recipe's).")
    private @Nullable Float learningRate;

    @Option(
        names = "--validation-share",
        paramLabel = "X",
        description = "Held out to choose the best epoch, 0..0.5 (default: the recipe's).")
    private @Nullable Float validationShare;

    TrainingOptions options() {
      TrainingOptions options = TrainingOptions.DEFAULTS.seed(seed);
      options = recipe == null ? options : options.recipe(recipe);
      options = gate == null ? options : options.gate(gate);
      options = depth == null ? options : options.depth(depth);
      options = prefixLength == null ? options : options.prefixLength(prefixLength);
      options = epochs == null ? options : options.epochs(epochs);
      options = batchSize == null ? options : options.batchSize(batchSize);
      options = learningRate == null ? options : options.learningRate(learningRate);
      return validationShare == null ? options : options.validationShare(validationShare);
    }
  }

  @Override
  public Integer call() throws IOException {
    CommandSpec called = Commands.spec(spec);
    if (watch != null) {
      return follow(called, watch);
    }
    if (task == null || data == null) {
      throw new ParameterException(
          called.commandLine(), "--task and --data, or --watch, are missing");
    }
    return teach(called, trainingSpec(task), Examples.ofFolders(data));
  }

  /** What is asked of the server. */
  TrainingSpec trainingSpec(String name) {
    TrainingSpec wanted = TrainingSpec.of(name).options(hyper.options());
    wanted = template == null ? wanted : wanted.template(template);
    wanted = statisticsOnly ? wanted.statisticsOnly() : wanted;
    return requestId == null ? wanted : wanted.requestId(requestId);
  }

  private int teach(CommandSpec called, TrainingSpec wanted, Examples examples) {
    try (PerennialClient client = connection.connect();
        TrainDisplay display = display(called, examples.size().orElse(-1))) {
      TrainingRun run = client.train(wanted, examples, display);
      Thread interrupted = new Thread(() -> interrupted(called, run), "interrupted");
      Runtime.getRuntime().addShutdownHook(interrupted);
      try {
        return finished(display, run.await());
      } finally {
        removeHook(interrupted);
      }
    }
  }

  private int follow(CommandSpec called, String jobId) {
    try (PerennialClient client = connection.connect();
        TrainDisplay display = display(called, -1)) {
      return finished(display, client.watchJob(jobId, display).join());
    }
  }

  private TrainDisplay display(CommandSpec called, long examples) {
    return json
        ? new TrainDisplay.JsonLines(called.commandLine().getOut())
        : TrainDisplay.forPeople(called.commandLine().getOut(), examples);
  }

  private static int finished(TrainDisplay display, TrainingJob job) {
    display.finished(job);
    return job.state() == TrainingJob.State.SUCCEEDED ? 0 : 1;
  }

  /** Ctrl-C: a committed job is the server's. */
  private void interrupted(CommandSpec called, TrainingRun run) {
    CompletableFuture<TrainingJob> committed = run.committed();
    if (committed.isDone() && !committed.isCompletedExceptionally()) {
      called
          .commandLine()
          .getErr()
          .printf(
              "%nThe job goes on at the server. To watch it:%n  perennial train --target %s --watch"
                  + " %s%n",
              connection.target(), committed.join().jobId());
    } else {
      called
          .commandLine()
          .getErr()
          .printf("%nNothing was committed; what was uploaded is thrown away.%n");
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException alreadyEnding) {
      // The JVM is ending: the hook has run, and that is all it was for.
      return;
    }
  }
}
