package dev.perennial.server.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.Task;
import dev.perennial.client.TaskFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code perennial tasks}: what a running server was taught. */
@Command(
    name = "tasks",
    description = "List, show, delete, roll back, export or import tasks; withdraw statistics.")
public final class TasksCommand implements Runnable {
  /** Enough of a version's id to tell it from others by eye. */
  private static final int SHORT_ID = 12;

  @Spec private @Nullable CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(
        Commands.spec(spec).commandLine(),
        "a command is missing: list, show, delete, activate, withdraw, export, import");
  }

  @Command(name = "list", description = "All tasks, by name.")
  int list(@Mixin ConnectionOptions connection, @Mixin JsonOption json) {
    try (PerennialClient client = connection.connect()) {
      List<Task> tasks = client.listTasks();
      if (json.wanted()) {
        JsonArray array = new JsonArray();
        tasks.forEach(task -> array.add(toJson(task)));
        print(array);
      } else {
        PrintWriter out = out();
        out.printf(
            "%-24s %-12s %8s %8s %9s%n", "TASK", "ACTIVE", "VERSIONS", "CLASSES", "ACCURACY");
        for (Task task : tasks) {
          printLine(out, task);
        }
        out.flush();
      }
    }
    return 0;
  }

  @Command(name = "show", description = "One task with its versions, newest first.")
  int show(
      @Mixin ConnectionOptions connection,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "TASK", description = "The task's name.") String name) {
    try (PerennialClient client = connection.connect()) {
      printTask(client.getTask(name), json.wanted());
    }
    return 0;
  }

  @Command(
      name = "delete",
      description = "Unlearn a task: every answer is again what it was before.")
  int delete(
      @Mixin ConnectionOptions connection,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "TASK", description = "The task's name.") String name) {
    try (PerennialClient client = connection.connect()) {
      long epoch = client.deleteTask(name);
      if (json.wanted()) {
        JsonObject object = new JsonObject();
        object.addProperty("task", name);
        object.addProperty("epoch", epoch);
        print(object);
      } else {
        out().printf("%s is gone from epoch %d on%n", name, epoch);
        out().flush();
      }
    }
    return 0;
  }

  @Command(name = "activate", description = "Let another version of a task serve.")
  int activate(
      @Mixin ConnectionOptions connection,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "TASK", description = "The task's name.") String name,
      @Parameters(paramLabel = "VERSION", description = "A version's id.") String versionId) {
    try (PerennialClient client = connection.connect()) {
      printTask(client.activateTaskVersion(name, versionId), json.wanted());
    }
    return 0;
  }

  @Command(
      name = "withdraw",
      description = "Take back what train --statistics-only has added to a task.")
  int withdraw(
      @Mixin ConnectionOptions connection,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "TASK", description = "The task's name.") String name,
      @Parameters(paramLabel = "CONTRIBUTION", description = "A contribution's id.")
          String contributionId) {
    try (PerennialClient client = connection.connect()) {
      printTask(client.withdrawContribution(name, contributionId), json.wanted());
    }
    return 0;
  }

  @Command(name = "export", description = "Write a version of a task to a file.")
  int export(
      @Mixin ConnectionOptions connection,
      @Mixin JsonOption json,
      @Option(names = "--version-id", description = "One of its versions (the active one).")
          @Nullable String versionId,
      @Parameters(paramLabel = "TASK", description = "The task's name.") String name,
      @Parameters(paramLabel = "FILE", description = "Where to; replaced if there.") Path file)
      throws IOException {
    try (PerennialClient client = connection.connect()) {
      TaskFile exported = client.exportTask(name, versionId == null ? "" : versionId);
      exported.write(file);
      if (json.wanted()) {
        JsonObject object = new JsonObject();
        object.addProperty("task", name);
        object.addProperty("version_id", exported.versionId());
        object.addProperty("bytes", exported.size());
        print(object);
      } else {
        out().printf("%s: %,d bytes to %s%n", exported.versionId(), exported.size(), file);
        out().flush();
      }
    }
    return 0;
  }

  @Command(
      name = "import",
      description = "Bring in a version from a file, and let it serve. Twice is fine.")
  int importTask(
      @Mixin ConnectionOptions connection,
      @Mixin JsonOption json,
      @Parameters(paramLabel = "FILE", description = "What export has written.") Path file)
      throws IOException {
    try (PerennialClient client = connection.connect()) {
      printTask(client.importTask(TaskFile.read(file)), json.wanted());
    }
    return 0;
  }

  private static void printLine(PrintWriter out, Task task) {
    Task.@Nullable Version active = active(task);
    out.printf(
        "%-24s %-12s %8d %8s %9s%n",
        task.name(),
        shortId(task.activeVersionId()),
        task.versions().size(),
        active == null ? "?" : Integer.toString(active.classNames().size()),
        active == null ? "" : percent(active.validationAccuracy()));
  }

  private void printTask(Task task, boolean json) {
    if (json) {
      print(toJson(task));
      return;
    }
    PrintWriter out = out();
    out.printf("%s%n", task.name());
    for (Task.Version version : task.versions()) {
      boolean active = version.versionId().equals(task.activeVersionId());
      out.printf(
          "%s %s  %s  %d classes  %d examples  accuracy %s -> %s%n",
          active ? "*" : " ",
          version.versionId(),
          version.createTime(),
          version.classNames().size(),
          version.examples(),
          percent(version.validationAccuracyBefore()),
          percent(version.validationAccuracy()));
    }
    for (Task.Contribution contribution : task.contributions()) {
      out.printf(
          "%s %s  contribution  %d classes  %d examples  from epoch %d%n",
          contribution.counted() ? "+" : " ",
          contribution.contributionId(),
          contribution.examplesOf().size(),
          contribution.examples(),
          contribution.epoch());
    }
    out.flush();
  }

  private static Task.@Nullable Version active(Task task) {
    return task.versions().stream()
        .filter(version -> version.versionId().equals(task.activeVersionId()))
        .findFirst()
        .orElse(null);
  }

  private static String shortId(String versionId) {
    return versionId.substring(0, Math.min(SHORT_ID, versionId.length()));
  }

  private static String percent(OptionalDouble share) {
    return share.isPresent()
        ? String.format(Locale.ROOT, "%.1f %%", 100 * share.getAsDouble())
        : "-";
  }

  private static JsonObject toJson(Task task) {
    JsonObject object = new JsonObject();
    object.addProperty("name", task.name());
    object.addProperty("active_version_id", task.activeVersionId());
    JsonArray versions = new JsonArray();
    task.versions().forEach(version -> versions.add(toJson(version)));
    object.add("versions", versions);
    JsonArray contributions = new JsonArray();
    task.contributions().forEach(contribution -> contributions.add(toJson(contribution)));
    object.add("contributions", contributions);
    return object;
  }

  private static JsonObject toJson(Task.Contribution contribution) {
    JsonObject object = new JsonObject();
    object.addProperty("contribution_id", contribution.contributionId());
    object.addProperty("request_id", contribution.requestId());
    object.addProperty("epoch", contribution.epoch());
    object.addProperty("examples", contribution.examples());
    JsonObject classes = new JsonObject();
    contribution.examplesOf().forEach(classes::addProperty);
    object.add("examples_by_class", classes);
    object.addProperty("counted", contribution.counted());
    return object;
  }

  private static JsonObject toJson(Task.Version version) {
    JsonObject object = new JsonObject();
    object.addProperty("version_id", version.versionId());
    JsonArray classNames = new JsonArray();
    version.classNames().forEach(classNames::add);
    object.add("class_names", classNames);
    object.addProperty("template", version.template());
    object.addProperty("create_time", version.createTime().toString());
    object.addProperty("backbone_fingerprint", version.backboneFingerprint());
    object.addProperty("examples", version.examples());
    object.addProperty("parameters", version.parameters());
    version
        .validationAccuracyBefore()
        .ifPresent(share -> object.addProperty("validation_accuracy_before", share));
    version
        .validationAccuracy()
        .ifPresent(share -> object.addProperty("validation_accuracy", share));
    return object;
  }

  private void print(JsonElement json) {
    out()
        .println(new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create().toJson(json));
    out().flush();
  }

  private PrintWriter out() {
    return Commands.spec(spec).commandLine().getOut();
  }

  /** {@code --json}, for {@code @Mixin}. */
  static final class JsonOption {
    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    boolean wanted() {
      return json;
    }
  }
}
