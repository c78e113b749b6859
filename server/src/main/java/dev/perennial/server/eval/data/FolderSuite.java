package dev.perennial.server.eval.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * A suite of one's own in folders: {@code DIR/TASK/train/CLASS/*.jpg} and {@code
 * DIR/TASK/test/CLASS/*.jpg} (.jpeg and .png too), with an optional {@code DIR/perennial.yaml} (see
 * {@link FolderDescription}) for order, templates and names. {@code perennial data mini-mtil}
 * writes this layout.
 *
 * <p>Without a description, tasks and classes come by name, and underscores are spoken as spaces.
 * Pictures of one class come by file name, and classes take turns, so that the order does not
 * depend on the file system. Names that begin with a dot are passed over.
 */
public final class FolderSuite implements Suite {
  private static final String TRAIN = "train";
  private static final String TEST = "test";
  private static final List<String> ENDINGS = List.of(".jpg", ".jpeg", ".png");

  private final Path root;
  private final FolderDescription description;
  private final List<String> tasks;

  /**
   * Reads the description and the names of the tasks.
   *
   * @throws dev.perennial.server.error.ServingException FAILED_PRECONDITION where the folder or a
   *     task that the description names is missing, DATA_LOSS where the description is wrong
   */
  public FolderSuite(Path root) {
    this.root = root.toAbsolutePath().normalize();
    if (!Files.isDirectory(this.root)) {
      throw DataFaults.missing(this.root, "a folder with TASK/train/CLASS/*.jpg");
    }
    try {
      description = FolderDescription.read(this.root);
      tasks = tasksInOrder();
    } catch (IOException e) {
      throw new UncheckedIOException("suite in " + this.root, e);
    }
  }

  @Override
  public String name() {
    String name = description.name();
    return name == null ? String.valueOf(root.getFileName()) : name;
  }

  @Override
  public List<String> tasks() {
    return tasks;
  }

  @Override
  public TaskData task(String name, int shots, long seed) {
    Suites.requireTask(this, name);
    Path folder = root.resolve(name);
    try {
      Map<String, String> classes = classes(name, folder);
      List<LabelledPicture> train = pictures(folder.resolve(TRAIN), classes.keySet());
      List<LabelledPicture> test = pictures(folder.resolve(TEST), classes.keySet());
      return new TaskData(
          name,
          List.copyOf(classes.values()),
          description.templateOf(name),
          Shots.draw(train, classes.size(), shots, seed),
          test);
    } catch (IOException e) {
      throw new UncheckedIOException(name + " in " + root, e);
    }
  }

  private List<String> tasksInOrder() throws IOException {
    Set<String> found = new LinkedHashSet<>();
    for (String folder : folders(root)) {
      if (Files.isDirectory(root.resolve(folder).resolve(TRAIN))) {
        found.add(folder);
      }
    }
    Set<String> named = new LinkedHashSet<>(description.order());
    named.addAll(description.tasks().keySet());
    for (String task : named) {
      if (!found.contains(task)) {
        throw DataFaults.missing(
            root.resolve(task).resolve(TRAIN), "a task that " + FolderDescription.FILE + " names");
      }
    }
    if (found.isEmpty()) {
      throw DataFaults.missing(root.resolve("TASK").resolve(TRAIN), "at least one task");
    }
    return description.order().isEmpty() ? List.copyOf(found) : List.copyOf(description.order());
  }

  /** Folder to spoken name, in label order; fails where a folder belongs to no class. */
  private Map<String, String> classes(String task, Path folder) throws IOException {
    Map<String, String> described =
        description.tasks().getOrDefault(task, FolderDescription.Task.DEFAULT).classes();
    Map<String, String> classes = new LinkedHashMap<>(described);
    if (described.isEmpty()) {
      folders(folder.resolve(TRAIN)).forEach(name -> classes.put(name, Split.spoken(name)));
    }
    for (String split : List.of(TRAIN, TEST)) {
      for (String name : folders(folder.resolve(split))) {
        if (!classes.containsKey(name)) {
          throw DataFaults.damaged(
              folder.resolve(split).resolve(name), "a class without a name", "one of " + classes);
        }
      }
    }
    return classes;
  }

  /** Classes take turns: the first picture of each, the second of each, and so on. */
  private static List<LabelledPicture> pictures(Path split, Set<String> classes)
      throws IOException {
    List<List<LabelledPicture>> turns = new ArrayList<>();
    int classIndex = 0;
    for (String className : classes) {
      DataFolder folder = new DataFolder(split, "the suite");
      List<String> files = files(split.resolve(className));
      for (int turn = 0; turn < files.size(); turn++) {
        if (turn == turns.size()) {
          turns.add(new ArrayList<>());
        }
        PictureFile picture =
            folder.picture(split, Path.of(className).resolve(files.get(turn)).toString());
        turns.get(turn).add(new LabelledPicture(picture, classIndex));
      }
      classIndex++;
    }
    return turns.stream().flatMap(List::stream).toList();
  }

  private static List<String> files(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw DataFaults.missing(folder, "a folder of pictures");
    }
    List<String> files =
        names(folder, Files::isRegularFile).stream()
            .filter(name -> ENDINGS.stream().anyMatch(name.toLowerCase(Locale.ROOT)::endsWith))
            .toList();
    if (files.isEmpty()) {
      throw DataFaults.missing(folder.resolve("*"), "at least one picture, one of " + ENDINGS);
    }
    return files;
  }

  private static List<String> folders(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw DataFaults.missing(folder, "a folder of folders");
    }
    return names(folder, Files::isDirectory);
  }

  private static List<String> names(Path folder, java.util.function.Predicate<Path> kind)
      throws IOException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries
          .filter(kind)
          .map(entry -> entry.getFileName().toString())
          .filter(name -> !name.startsWith("."))
          .sorted()
          .toList();
    }
  }
}
