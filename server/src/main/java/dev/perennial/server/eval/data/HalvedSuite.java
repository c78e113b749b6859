package dev.perennial.server.eval.data;

import java.util.List;
import java.util.stream.IntStream;

/**
 * Another suite with each task cut in half by class and taught as two: twice as many tasks, two of
 * each domain. The hard case for whatever tells tasks apart by their domain.
 */
public final class HalvedSuite implements Suite {
  private final Suite whole;

  /** Cuts a suite whose tasks have at least two classes. */
  public HalvedSuite(Suite whole) {
    this.whole = whole;
  }

  @Override
  public String name() {
    return whole.name() + "-halves";
  }

  @Override
  public List<String> tasks() {
    return whole.tasks().stream()
        .flatMap(task -> IntStream.of(1, 2).mapToObj(half -> task + "-" + half))
        .toList();
  }

  /** {@inheritDoc} The first half has the first classes, rounded down. */
  @Override
  public TaskData task(String name, int shots, long seed) {
    Suites.requireTask(this, name);
    boolean first = name.endsWith("-1");
    TaskData task = whole.task(name.substring(0, name.length() - 2), shots, seed);
    int middle = task.classNames().size() / 2;
    int from = first ? 0 : middle;
    int to = first ? middle : task.classNames().size();
    return new TaskData(
        name,
        task.classNames().subList(from, to),
        task.template(),
        part(task.train(), from, to),
        part(task.test(), from, to));
  }

  private static List<LabelledPicture> part(List<LabelledPicture> pictures, int from, int to) {
    return pictures.stream()
        .filter(picture -> picture.classIndex() >= from && picture.classIndex() < to)
        .map(picture -> new LabelledPicture(picture.picture(), picture.classIndex() - from))
        .toList();
  }
}
