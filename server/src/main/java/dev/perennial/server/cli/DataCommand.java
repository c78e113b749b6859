package dev.perennial.server.cli;

import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilFolders;
import dev.perennial.server.world.MiniMtilTask;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code perennial data}: writes data sets that need no download. */
@Command(
    name = "data",
    description = "Write a data set as folders of PNG files.",
    subcommands = DataCommand.MiniMtilCommand.class)
public final class DataCommand implements Runnable {
  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        Commands.spec(spec).commandLine(), "a data set is missing: mini-mtil");
  }

  /** {@code perennial data mini-mtil}. */
  @Command(
      name = "mini-mtil",
      description = "Seven tasks of 75 classes in all, each with class names and template.")
  static final class MiniMtilCommand implements Callable<Integer> {
    @Spec private @Nullable CommandSpec spec;

    @Option(
        names = "--out",
        required = true,
        showDefaultValue = Visibility.NEVER,
        paramLabel = "DIR",
        description = "Where.")
    private Path out = Path.of("");

    @Option(names = "--shots", paramLabel = "N", description = "Training pictures per class.")
    private int shots = MiniMtil.TRAIN_PER_CLASS;

    @Option(names = "--test", paramLabel = "N", description = "Test pictures per class.")
    private int test = MiniMtil.TEST_PER_CLASS;

    @Option(names = "--seed", paramLabel = "N", description = "Of the pictures.")
    private long seed = MiniMtil.SEED;

    @Override
    public Integer call() throws IOException {
      PrintWriter console = Commands.spec(spec).commandLine().getOut();
      MiniMtilFolders.Config config = config();
      if (!Commands.onTerminal()) {
        MiniMtilFolders.write(config, () -> {});
      } else {
        try (ProgressBar bar =
            new ProgressBarBuilder()
                .setTaskName("mini-mtil")
                .setUnit(" pictures", 1)
                .showSpeed()
                .setInitialMax(config.pictureCount())
                .setStyle(ProgressBarStyle.ASCII)
                .build()) {
          MiniMtilFolders.write(config, bar::step);
        }
      }
      for (MiniMtilTask task : MiniMtil.tasks()) {
        console.printf(
            Locale.ROOT,
            "%-9s %2d classes  \"%s\"%n",
            task.name(),
            task.classNames().size(),
            task.template());
      }
      console.printf(Locale.ROOT, "%d pictures in %s%n", config.pictureCount(), out);
      return 0;
    }

    private MiniMtilFolders.Config config() {
      try {
        return new MiniMtilFolders.Config(out, shots, test, seed);
      } catch (IllegalArgumentException e) {
        throw Usage.error(spec, e);
      }
    }
  }
}
