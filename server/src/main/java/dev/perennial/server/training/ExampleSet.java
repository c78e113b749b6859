package dev.perennial.server.training;

/**
 * One task's labelled examples as model inputs. Their order counts: split, schedule and gate depend
 * on it. Owned by the thread that trains.
 */
public interface ExampleSet {

  int size();

  /** The place of its class among the task's class names. */
  int classOf(int index);

  /** The model's input, (3, S, S); not to be changed. */
  float[] pixels(int index);
}
