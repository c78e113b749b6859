package dev.perennial.server.eval;

import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import java.util.List;

/**
 * One domain of a benchmark: what is taught, and what is asked. Immutable.
 *
 * @param template the sentence around a class name, with "{}" once
 * @param train labelled by place in classNames
 * @param test labelled by place in classNames
 */
public record Domain(
    String name,
    List<String> classNames,
    String template,
    List<LabelledImage> train,
    List<LabelledImage> test) {

  /**
   * The seven domains of mini-MTIL in their order. The test images are the same for every seed.
   *
   * @param shots training images of each class
   * @param tests test images of each class
   * @param seed which training images
   */
  public static List<Domain> miniMtil(int shots, int tests, long seed) {
    return MiniMtil.tasks().stream().map(task -> of(task, shots, tests, seed)).toList();
  }

  /** One domain of mini-MTIL. */
  public static Domain of(MiniMtilTask task, int shots, int tests, long seed) {
    return new Domain(
        task.name(),
        task.classNames(),
        task.template(),
        task.images(MiniMtilTask.Split.TRAIN, shots, seed),
        task.images(MiniMtilTask.Split.TEST, tests, MiniMtil.SEED));
  }
}
