package dev.perennial.server.world;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.MiniMtilTask.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;

/**
 * Writes mini-MTIL as folders: {@code TASK/train/CLASS/0000.png}, {@code TASK/test/CLASS/0000.png},
 * {@code TASK/task.json} with template and class names in order, and {@code TASK.png}, a sheet to
 * look at with one column per class. {@code perennial.yaml} says the same for all tasks, and their
 * order: the folder is a suite that {@code perennial eval} reads.
 */
public final class MiniMtilFolders {
  private static final int SHEET_ROWS = 4;
  private static final int SHEET_SCALE = 3;
  private static final Gson JSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  /**
   * How many pictures, and which.
   *
   * @param trainPerClass at least 1
   * @param testPerClass at least 1
   */
  public record Config(Path out, int trainPerClass, int testPerClass, long seed) {
    public Config {
      if (trainPerClass < 1 || testPerClass < 1) {
        throw new IllegalArgumentException(
            "pictures per class: %d to train, %d to test (expected: at least 1 of each)"
                .formatted(trainPerClass, testPerClass));
      }
    }

    /** Files that will be written. */
    public long pictureCount() {
      long classes = MiniMtil.tasks().stream().mapToLong(task -> task.classNames().size()).sum();
      return classes * (trainPerClass + testPerClass);
    }
  }

  private MiniMtilFolders() {}

  /** Writes everything; runs the listener after each picture. */
  public static void write(Config config, Runnable eachPicture) throws IOException {
    for (MiniMtilTask task : MiniMtil.tasks()) {
      Path folder = Files.createDirectories(config.out().resolve(task.name()));
      List<LabelledImage> train = task.images(Split.TRAIN, config.trainPerClass(), config.seed());
      List<LabelledImage> test = task.images(Split.TEST, config.testPerClass(), config.seed());
      write(folder.resolve("train"), task, train, eachPicture);
      write(folder.resolve("test"), task, test, eachPicture);
      Files.writeString(folder.resolve("task.json"), JSON.toJson(describe(task)) + "\n");
      Files.write(config.out().resolve(task.name() + ".png"), sheet(task, test));
    }
    Files.writeString(config.out().resolve("perennial.yaml"), suite());
  }

  private static String suite() {
    Map<String, Object> tasks = new LinkedHashMap<>();
    for (MiniMtilTask task : MiniMtil.tasks()) {
      Map<String, Object> description = new LinkedHashMap<>();
      description.put("template", task.template());
      description.put("classes", task.classNames());
      tasks.put(task.name(), description);
    }
    Map<String, Object> yaml = new LinkedHashMap<>();
    yaml.put("name", "mini-mtil");
    yaml.put("order", List.copyOf(tasks.keySet()));
    yaml.put("tasks", tasks);
    return new Dump(DumpSettings.builder().setDefaultFlowStyle(FlowStyle.BLOCK).build())
        .dumpToString(yaml);
  }

  private static void write(
      Path folder, MiniMtilTask task, List<LabelledImage> images, Runnable eachPicture)
      throws IOException {
    int classes = task.classNames().size();
    for (int i = 0; i < images.size(); i++) {
      LabelledImage image = images.get(i);
      Path classFolder =
          Files.createDirectories(folder.resolve(task.classNames().get(image.classIndex())));
      String name = String.format(Locale.ROOT, "%04d.png", i / classes);
      Files.write(classFolder.resolve(name), image.png());
      eachPicture.run();
    }
  }

  private static Map<String, Object> describe(MiniMtilTask task) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("name", task.name());
    json.put("template", task.template());
    json.put("class_names", task.classNames());
    return json;
  }

  private static byte[] sheet(MiniMtilTask task, List<LabelledImage> images) {
    int columns = task.classNames().size();
    List<RgbImage> shown = new ArrayList<>();
    for (LabelledImage image : images.subList(0, Math.min(images.size(), SHEET_ROWS * columns))) {
      shown.add(image.image());
    }
    return PngImages.encode(PngImages.sheet(shown, columns, SHEET_SCALE));
  }
}
