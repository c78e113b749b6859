package dev.perennial.server.cli;

import dev.perennial.client.Classification;
import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.PerennialException;
import dev.perennial.client.StreamOptions;
import dev.perennial.client.StreamingClassifier;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code perennial classify}: asks a running server what image files show. */
@Command(name = "classify", description = "Ask a running server what image files show.")
public final class ClassifyCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Mixin private ConnectionOptions connection = new ConnectionOptions();

  @ArgGroup(multiplicity = "1", heading = "%nCompare with one of:%n")
  private Choice choice = new Choice();

  /** The labels: one of these. */
  static final class Choice {
    @Option(
        names = "--labels",
        split = ",",
        paramLabel = "LABEL",
        description = "These labels, separated by commas.")
    private @Nullable List<String> labels;

    @Option(
        names = "--labels-file",
        paramLabel = "FILE",
        description = "The labels in this file, one a line.")
    private @Nullable Path labelsFile;

    @Option(names = "--task", paramLabel = "NAME", description = "The classes of this task.")
    private @Nullable String task;

    @Option(names = "--all", description = "The classes of every task.")
    @SuppressWarnings("UnusedVariable") // one of the group is needed: it is the one that is left
    private boolean all;
  }

  @Option(
      names = "--template",
      paramLabel = "TEXT",
      description = "Sentence around own labels, with {} once (default: a photo of a {}).")
  private @Nullable String template;

  @Option(names = "--top", paramLabel = "N", description = "Labels to answer; 0 for all.")
  private int top = 3;

  @Option(names = "--window", paramLabel = "N", description = "Images under way at a time.")
  private int window = StreamOptions.DEFAULTS.window();

  @Option(names = "--json", description = "Print JSON, one object a line.")
  private boolean json;

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      showDefaultValue = Help.Visibility.NEVER,
      description = "Images, or folders of them.")
  private List<Path> files = new ArrayList<>();

  /** A file under way. */
  private record Asked(Path file, CompletableFuture<Classification> answer) {}

  @Override
  public Integer call() throws IOException {
    CommandSpec called = Commands.spec(spec);
    List<Path> images = images();
    ClassifyDisplay display =
        json
            ? new ClassifyDisplay.JsonLines(called.commandLine().getOut())
            : new ClassifyDisplay.Table(called.commandLine().getOut(), images);
    StreamOptions options = new StreamOptions(window, connection.deadline());
    int failed = 0;
    try (PerennialClient client = connection.connect();
        StreamingClassifier stream = client.classifier(labels(called), options)) {
      Deque<Asked> underWay = new ArrayDeque<>();
      for (Path file : images) {
        if (underWay.size() == window) {
          failed += show(display, underWay.remove());
        }
        underWay.add(new Asked(file, ask(stream, file)));
      }
      while (!underWay.isEmpty()) {
        failed += show(display, underWay.remove());
      }
    }
    return failed == 0 ? 0 : 1;
  }

  private static CompletableFuture<Classification> ask(StreamingClassifier stream, Path file) {
    try {
      return stream.send(Image.ofFile(file));
    } catch (IOException | PerennialException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /** Shows one answer, waiting for it; 1 where it is a failure. */
  private static int show(ClassifyDisplay display, Asked asked) {
    try {
      display.answered(asked.file(), asked.answer().join());
      return 0;
    } catch (CompletionException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      display.failed(asked.file(), cause.toString());
      return 1;
    }
  }

  /** What the images are compared with. */
  Labels labels(CommandSpec called) throws IOException {
    List<String> own = choice.labels;
    if (choice.labelsFile != null) {
      own =
          Files.readAllLines(choice.labelsFile).stream()
              .map(String::strip)
              .filter(line -> !line.isEmpty())
              .toList();
    }
    if (own != null) {
      Labels labels = Labels.of(own);
      return (template == null ? labels : labels.template(template)).top(top);
    }
    if (template != null) {
      throw new ParameterException(
          called.commandLine(), "--template: tasks have their own (expected: with own labels)");
    }
    return (choice.task == null ? Labels.allKnown() : Labels.ofTask(choice.task)).top(top);
  }

  /** The files, folders replaced by the images below them. */
  private List<Path> images() throws IOException {
    List<Path> images = new ArrayList<>();
    for (Path file : files) {
      if (Files.isDirectory(file)) {
        try (Stream<Path> below = Files.walk(file)) {
          below.filter(ClassifyCommand::isImage).sorted().forEach(images::add);
        }
      } else {
        images.add(file);
      }
    }
    return images;
  }

  private static boolean isImage(Path file) {
    String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
    return Files.isRegularFile(file)
        && Stream.of(".png", ".jpg", ".jpeg", ".gif", ".bmp").anyMatch(name::endsWith);
  }
}
