package dev.perennial.server.eval;

import dev.perennial.server.eval.data.TaskData;
import dev.perennial.server.training.Split;
import java.util.List;

/**
 * One task of a run. Its pictures' pixels are owned by the run's thread.
 *
 * @param place in the order in which tasks are learnt, from 0
 * @param train in the order in which they are taught
 * @param test those that accuracies are of
 */
public record EvalTask(int place, TaskData data, PictureSet train, PictureSet test) {
  /** Also the name under which a server is taught it. */
  public String name() {
    return data.name();
  }

  /** In label order. */
  public List<String> classNames() {
    return data.classNames();
  }

  /** The sentence around a class name, with "{}" once. */
  public String template() {
    return data.template();
  }

  /**
   * Which training pictures a method may hold out to choose by: the very rule of a training job.
   *
   * @param share of each class; 0 for none
   */
  public Split split(float share, long seed) {
    return Split.of(train.classes(), classNames().size(), share, seed);
  }
}
