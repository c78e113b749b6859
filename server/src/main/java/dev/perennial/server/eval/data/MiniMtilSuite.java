package dev.perennial.server.eval.data;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import dev.perennial.server.world.MiniMtilTask.Split;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * mini-MTIL, drawn when asked for. Each picture is drawn and packed as PNG once (about 2 kB) and
 * its bytes are kept as long as the picture is; test pictures are shared by all calls.
 */
public final class MiniMtilSuite implements Suite {
  private final int testsPerClass;
  private final Map<String, List<LabelledPicture>> tests = new HashMap<>();

  /** The published benchmark: {@link MiniMtil#TEST_PER_CLASS} test pictures of each class. */
  public MiniMtilSuite() {
    this(MiniMtil.TEST_PER_CLASS);
  }

  /** Another number of test pictures of each class: at least 1. */
  public MiniMtilSuite(int testsPerClass) {
    if (testsPerClass < 1) {
      throw ServingException.invalid(
          "TESTS", "tests", "test pictures per class: " + testsPerClass + " (expected: >= 1)");
    }
    this.testsPerClass = testsPerClass;
  }

  @Override
  public String name() {
    return "mini-mtil";
  }

  @Override
  public List<String> tasks() {
    return MiniMtil.tasks().stream().map(MiniMtilTask::name).toList();
  }

  /**
   * {@inheritDoc} There are as many training pictures as one asks for; all means {@link
   * MiniMtil#TRAIN_PER_CLASS}.
   */
  @Override
  public TaskData task(String name, int shots, long seed) {
    Suites.requireTask(this, name);
    int drawn = Suites.requireShots(shots) == 0 ? MiniMtil.TRAIN_PER_CLASS : shots;
    MiniMtilTask task = MiniMtil.task(name);
    return new TaskData(
        name,
        task.classNames(),
        task.template(),
        packed(task.images(Split.TRAIN, drawn, seed)),
        tests.computeIfAbsent(
            name, key -> packed(task.images(Split.TEST, testsPerClass, MiniMtil.SEED))));
  }

  private static List<LabelledPicture> packed(List<LabelledImage> images) {
    return images.stream().map(MiniMtilSuite::packed).toList();
  }

  private static LabelledPicture packed(LabelledImage image) {
    byte[] png = image.png();
    return new LabelledPicture(() -> png, image.classIndex());
  }
}
