package dev.perennial.server.eval;

import dev.perennial.server.eval.data.TaskData;
import dev.perennial.server.training.Split;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * One task of a run. Its pictures' pixels are owned by the run's thread.
 *
 * @param place in the order in which tasks are learnt, from 0
 * @param train in the order in which they are taught
 * @param test those that accuracies are of
 */
public record EvalTask(int place, TaskData data, PictureSet train, PictureSet test) {
  private static final Pattern SERVED_NAME = Pattern.compile("[a-z][a-z0-9_-]{0,62}");
  private static final int MAX_PLAIN_LENGTH = 48;

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

  /** The text that stands for each class. */
  public List<String> prompts() {
    return classNames().stream().map(name -> template().replace("{}", name)).toList();
  }

  /** Its name as a server's task may have it: the very name, where that is allowed. */
  public String servedName() {
    if (SERVED_NAME.matcher(name()).matches()) {
      return name();
    }
    String plain = name().toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_-]", "-");
    return "t" + place + "-" + plain.substring(0, Math.min(plain.length(), MAX_PLAIN_LENGTH));
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
