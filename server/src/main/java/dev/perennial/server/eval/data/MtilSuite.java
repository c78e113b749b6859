package dev.perennial.server.eval.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * MTIL, the field's benchmark: eleven data sets (ZSCL, Zheng et al., ICCV 2023, section 4.1) on the
 * splits of CoOp, as DIKI measures it. Users fetch the data themselves: server/docs/mtil.md says
 * what, from where and into which folders.
 *
 * <p>Training pictures are the official training and validation parts together: every method here
 * holds its own validation pictures out of them. Lists are read when a task is first asked for, and
 * kept (about 100 bytes a picture); pictures are read one by one.
 */
public final class MtilSuite implements Suite {
  /** ZSCL's order I: by the alphabet. */
  public static final List<String> ORDER_I =
      MtilDataSet.ALL.stream().map(MtilDataSet::task).toList();

  /** ZSCL's order II: drawn at random, once and for all. */
  public static final List<String> ORDER_II =
      List.of(
          "stanford-cars",
          "food",
          "mnist",
          "oxford-pet",
          "flowers",
          "sun397",
          "aircraft",
          "caltech101",
          "dtd",
          "eurosat",
          "cifar100");

  /** The eight data sets of DIKI's 16-shot setting, MTIL-FS (lloongx/DIKI, DIKI/datasets.py). */
  public static final List<String> FEW_SHOT_ORDER =
      List.of(
          "aircraft",
          "caltech101",
          "cifar100",
          "dtd",
          "flowers",
          "food",
          "stanford-cars",
          "sun397");

  private final Path root;
  private final Map<MtilDataSet, Split> splits = new HashMap<>();

  /**
   * Reads nothing yet but that the folder is there; data sets whose tasks are not asked for may be
   * missing.
   *
   * @param root the folder that holds one folder per data set
   */
  public MtilSuite(Path root) {
    this.root = root.toAbsolutePath().normalize();
    if (!Files.isDirectory(this.root)) {
      throw DataFaults.missing(this.root, "the folder of MTIL's data sets; server/docs/mtil.md");
    }
  }

  @Override
  public String name() {
    return "mtil";
  }

  @Override
  public List<String> tasks() {
    return ORDER_I;
  }

  @Override
  public TaskData task(String name, int shots, long seed) {
    Suites.requireTask(this, name);
    MtilDataSet dataSet = MtilDataSet.ALL.get(ORDER_I.indexOf(name));
    Split split = splits.computeIfAbsent(dataSet, this::read);
    List<LabelledPicture> train = Shots.draw(split.train(), split.classNames().size(), shots, seed);
    PictureFile.requirePresent(train, dataSet.origin());
    PictureFile.requirePresent(split.test(), dataSet.origin());
    return new TaskData(name, split.classNames(), dataSet.template(), train, split.test());
  }

  private Split read(MtilDataSet dataSet) {
    try {
      return dataSet.read(root);
    } catch (IOException e) {
      throw new UncheckedIOException(dataSet.task() + " in " + root, e);
    }
  }
}
