package dev.perennial.server.eval;

import java.time.Duration;

/**
 * A method of the benchmark: learns tasks one after the other, and answers test sets in between.
 * Opened, used and closed by one thread.
 *
 * <p>The protocol's rules: while it learns a task it sees that task's training pictures and nothing
 * of other tasks; when it answers, it sees the pictures and the label space, and no hint of the
 * task that they come from. The same bench and options give the same answers.
 */
public interface Method extends AutoCloseable {
  /**
   * What learning one task took.
   *
   * @param parameters numbers that were trained
   * @param images training pictures in all steps, each as often as it was seen
   * @param time of the training alone; as measured then, where it was not done again
   */
  record Learned(long parameters, long images, Duration time) {}

  /** Hears how far the learning of a task is. */
  @FunctionalInterface
  interface Progress {
    /**
     * Some steps are done.
     *
     * @param share of the task's training, in [0, 1]
     * @param figures loss, accuracy or the like, for people
     */
    void at(double share, String figures);
  }

  /** Learns the next task. Blocks until it is learnt. */
  Learned learn(EvalTask task, Progress progress);

  /** Answers the task's test pictures with what was learnt so far. */
  Answers answer(EvalTask task, LabelSpace labels);

  @Override
  void close();
}
