package dev.perennial.server.eval;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.eval.data.LabelledPicture;
import dev.perennial.server.eval.data.TaskData;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What the methods of one family and seed find before them: the model, the tasks, the seed; and
 * what they share. Owned by one thread.
 */
public final class Bench implements AutoCloseable {
  /**
   * Where and how the towers run.
   *
   * @param device {@code cpu} or {@code cuda:N}
   */
  public record Engine(ModelDirectory directory, String device, Precision precision) {}

  private final Engine engine;
  private final long seed;
  private final PictureSet.Decoding decoding;
  private final List<EvalTask> tasks;
  private final LabelSpace.Kind labelKind;
  private final Map<Integer, List<LabelSpace>> labelsByLearnt = new HashMap<>();
  private final RunState state;
  private final Map<Class<?>, Object> shared = new HashMap<>();
  private @Nullable ClipModel model;

  /**
   * A bench for tasks in the order in which they are learnt.
   *
   * @param pixelBytes of decoded pictures that may be kept
   * @param state where work is kept for a run that goes on later
   */
  public Bench(
      Engine engine,
      long seed,
      List<TaskData> tasks,
      LabelSpace.Kind labels,
      long pixelBytes,
      RunState state) {
    this.engine = engine;
    this.seed = seed;
    this.decoding = new PictureSet.Decoding(engine.directory().preprocessing(), pixelBytes);
    List<EvalTask> places = new ArrayList<>();
    for (TaskData task : tasks) {
      places.add(
          new EvalTask(
              places.size(),
              task,
              new PictureSet(task.train(), decoding),
              new PictureSet(task.test(), decoding)));
    }
    this.tasks = List.copyOf(places);
    this.labelKind = labels;
    this.state = state;
  }

  public Engine engine() {
    return engine;
  }

  public long seed() {
    return seed;
  }

  /** In the order in which they are learnt. */
  public List<EvalTask> tasks() {
    return tasks;
  }

  /** Other pictures than the tasks', as this bench's model sees them. */
  public PictureSet pictures(List<LabelledPicture> pictures) {
    return new PictureSet(pictures, decoding);
  }

  /**
   * Whether there is anything to ask once so many tasks are learnt: not before the first, of {@link
   * LabelSpace.Kind#KNOWN}.
   */
  public boolean asks(int learnt) {
    return labelKind != LabelSpace.Kind.KNOWN || learnt > 0;
  }

  /** What the task's test pictures are asked once so many tasks are learnt. */
  public LabelSpace labels(EvalTask task, int learnt) {
    return labelsByLearnt
        .computeIfAbsent(
            labelKind == LabelSpace.Kind.KNOWN ? learnt : 0,
            stage -> LabelSpace.of(labelKind, tasks, stage, engine.directory().tokenizer()))
        .get(task.place());
  }

  /** Where work is kept for a run that goes on later. */
  public RunState state() {
    return state;
  }

  /** The frozen towers, loaded when first asked for. */
  public ClipModel model() {
    ClipModel present = model;
    if (present == null) {
      present = ClipModel.load(engine.directory(), engine.device(), engine.precision());
      model = present;
    }
    return present;
  }

  /** The one object of this type on this bench, made when first asked for. */
  public <T> T shared(Class<T> type, Function<Bench, T> maker) {
    Object present = shared.get(type);
    if (present == null) {
      present = maker.apply(this);
      shared.put(type, present);
    }
    return type.cast(present);
  }

  @Override
  public void close() {
    if (model != null) {
      model.close();
      model = null;
    }
  }
}
