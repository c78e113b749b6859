package dev.perennial.server.eval;

import dev.perennial.server.training.Split;
import java.util.List;

/**
 * One task of a run. Its pictures are owned by the run's thread.
 *
 * @param place in the order in which tasks are learnt, from 0
 * @param template the sentence around a class name, with "{}" once
 * @param train in the order in which they are taught
 * @param test those that accuracies are of
 */
public record EvalTask(
    int place,
    String name,
    List<String> classNames,
    String template,
    PictureSet train,
    PictureSet test) {
  public EvalTask {
    classNames = List.copyOf(classNames);
  }

  /** The text that stands for each class. */
  public List<String> prompts() {
    return classNames.stream().map(name -> template.replace("{}", name)).toList();
  }

  /**
   * Which training pictures a method may hold out to choose by: the very rule of a training job.
   *
   * @param share of each class; 0 for none
   */
  public Split split(float share, long seed) {
    return Split.of(train.classes(), classNames.size(), share, seed);
  }
}
