package dev.perennial.server.eval;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.eval.data.LabelledPicture;
import dev.perennial.server.eval.data.Suite;
import dev.perennial.server.eval.data.TaskData;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/** Suites for tests: pictures that are never looked at, or count how often they are. */
final class Pictures {
  static final Bench.Engine ENGINE =
      new Bench.Engine(ModelDirectory.embedded(), "cpu", Precision.FP32);

  private Pictures() {}

  /** Classes of their own, but for "both", which all have; pictures cannot be read. */
  static TaskData task(String name, int trainPerClass, int testPerClass) {
    List<String> classes = List.of(name + " one", name + " two", "both");
    return new TaskData(
        name,
        classes,
        "a " + name + " {}",
        unreadable(classes.size(), trainPerClass),
        unreadable(classes.size(), testPerClass));
  }

  private static List<LabelledPicture> unreadable(int classes, int perClass) {
    List<LabelledPicture> pictures = new ArrayList<>();
    for (int i = 0; i < classes * perClass; i++) {
      String message = "nobody looks at picture " + i;
      pictures.add(
          new LabelledPicture(
              () -> {
                throw new AssertionError(message);
              },
              i % classes));
    }
    return pictures;
  }

  /** A suite of such tasks. */
  static final class FakeSuite implements Suite {
    final AtomicInteger asked = new AtomicInteger();
    private final List<String> names;

    FakeSuite(String... names) {
      this.names = List.of(names);
    }

    @Override
    public String name() {
      return "fake";
    }

    @Override
    public List<String> tasks() {
      return names;
    }

    @Override
    public TaskData task(String name, int shots, long seed) {
      asked.incrementAndGet();
      return Pictures.task(name, shots == 0 ? 10 : shots, 4);
    }
  }
}
