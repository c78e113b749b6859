package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram;
import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Prefixes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Builds one bank after the other. Prefixes that were in the bank before (the same object) are
 * copied on the device; only new ones cross from the host.
 */
final class PrefixBankBuilder {
  /** Prefix lengths are filled up to a multiple of this: a new task rarely changes the shape. */
  private static final int LENGTH_STEP = 8;

  private final TorchProgram program;
  private final ClipConfig config;
  private final String device;
  private final Precision precision;
  private final HostBuffer host = new HostBuffer();
  private @Nullable PrefixBank last;

  PrefixBankBuilder(TorchProgram program, ClipConfig config, String device, Precision precision) {
    this.program = program;
    this.config = config;
    this.device = device;
    this.precision = precision;
  }

  PrefixBank build(List<Prefixes> tasks) {
    for (Prefixes task : tasks) {
      check(task, config);
    }
    if (tasks.isEmpty()) {
      return new PrefixBank(tasks, null, null);
    }
    int length = tasks.stream().mapToInt(Prefixes::length).max().orElseThrow();
    length = (length + LENGTH_STEP - 1) / LENGTH_STEP * LENGTH_STEP;
    PrefixBank old = last == null || last.isClosed() ? null : last;
    PrefixBank.Part image =
        part(
            tasks,
            old,
            old == null ? null : old.image(),
            length,
            config.image(),
            Prefixes::imageKeys,
            Prefixes::imageValues);
    PrefixBank.Part text;
    try {
      text =
          part(
              tasks,
              old,
              old == null ? null : old.text(),
              length,
              config.text(),
              Prefixes::textKeys,
              Prefixes::textValues);
    } catch (RuntimeException e) { // a device's memory may end here
      image.close();
      throw e;
    }
    last = new PrefixBank(tasks, image, text);
    return last;
  }

  private PrefixBank.Part part(
      List<Prefixes> tasks,
      @Nullable PrefixBank old,
      PrefixBank.@Nullable Part oldPart,
      int length,
      Tower tower,
      Function<Prefixes, List<float[]>> keys,
      Function<Prefixes, List<float[]>> values) {
    int depth = tasks.stream().mapToInt(t -> keys.apply(t).size()).max().orElseThrow();
    IdentityHashMap<Prefixes, Integer> known = new IdentityHashMap<>();
    if (old != null && oldPart != null) {
      for (int slot = 0; slot < old.size(); slot++) {
        known.put(old.tasks().get(slot), slot);
      }
    }
    List<Long> from = new ArrayList<>();
    List<Long> to = new ArrayList<>();
    List<Long> freshSlots = new ArrayList<>();
    for (int slot = 0; slot < tasks.size(); slot++) {
      Integer before = known.get(tasks.get(slot));
      if (before == null) {
        freshSlots.add((long) slot);
      } else {
        from.add((long) before);
        to.add((long) slot);
      }
    }
    int width = tower.width();
    List<Prefixes> fresh = freshSlots.stream().map(s -> tasks.get(s.intValue())).toList();
    long[] shape = {depth, 2, tasks.size(), length, width};
    long[] oneShape = {1, 2, 1, 1, width};
    HostBuffer nothing = new HostBuffer();
    try (TorchValue uploaded = upload(fresh, depth, length, width, keys, values);
        TorchValue none = nothing.floats(List.of(new float[2 * width]), oneShape);
        TorchValue fromSlots = integers(from);
        TorchValue toSlots = integers(to);
        TorchValue newSlots = integers(freshSlots);
        TorchValue shapeValue = TorchValue.integers(shape);
        TorchValue target = TorchValue.text(device);
        TorchValue half = TorchValue.integer(precision == Precision.BF16 ? 1 : 0)) {
      TorchValue bank =
          program.call(
              "bank",
              Mode.NO_GRADIENT,
              oldPart == null ? none : oldPart.prefixes(),
              fromSlots,
              toSlots,
              uploaded,
              newSlots,
              shapeValue,
              target,
              half);
      try (TorchValue mask = mask(tasks, length)) {
        return new PrefixBank.Part(
            bank, program.call("place", Mode.NO_GRADIENT, mask, target, half));
      }
    }
  }

  /** (F, L, 2, P, W) in host memory. */
  private TorchValue upload(
      List<Prefixes> fresh,
      int depth,
      int length,
      int width,
      Function<Prefixes, List<float[]>> keys,
      Function<Prefixes, List<float[]>> values) {
    int row = length * width;
    List<float[]> rows = new ArrayList<>();
    for (Prefixes task : fresh) {
      for (int layer = 0; layer < depth; layer++) {
        rows.add(filledUp(keys.apply(task), layer, row));
        rows.add(filledUp(values.apply(task), layer, row));
      }
    }
    return host.floats(rows, fresh.size(), depth, 2, length, width);
  }

  private static float[] filledUp(List<float[]> layers, int layer, int size) {
    float[] row = new float[size];
    if (layer < layers.size()) {
      System.arraycopy(layers.get(layer), 0, row, 0, layers.get(layer).length);
    }
    return row;
  }

  private TorchValue mask(List<Prefixes> tasks, int length) {
    List<float[]> rows = new ArrayList<>();
    for (Prefixes task : tasks) {
      float[] row = new float[length];
      Arrays.fill(row, task.length(), length, Float.NEGATIVE_INFINITY);
      rows.add(row);
    }
    return host.floats(rows, tasks.size(), length);
  }

  private static TorchValue integers(List<Long> values) {
    return TorchValue.integers(values.stream().mapToLong(Long::longValue).toArray());
  }

  /** FAILED_PRECONDITION where the prefixes do not fit this model. */
  static void check(Prefixes task, ClipConfig config) {
    if (task.length() < 1) {
      throw unfit("prefix length: " + task.length() + " (expected: at least 1)");
    }
    check("image", task.imageKeys(), task.imageValues(), task.length(), config.image());
    check("text", task.textKeys(), task.textValues(), task.length(), config.text());
  }

  private static void check(
      String name, List<float[]> keys, List<float[]> values, int length, Tower tower) {
    if (keys.size() != values.size() || keys.isEmpty() || keys.size() > tower.layers()) {
      throw unfit(
          name
              + " prefixes: "
              + keys.size()
              + " layers of keys, "
              + values.size()
              + " of values (expected: the same, 1.."
              + tower.layers()
              + ")");
    }
    int size = length * tower.width();
    for (int layer = 0; layer < keys.size(); layer++) {
      int keyCount = keys.get(layer).length;
      int valueCount = values.get(layer).length;
      if (keyCount != size || valueCount != size) {
        throw unfit(
            String.format(
                "%s prefixes: %d and %d numbers in layer %d (expected: %d)",
                name, keyCount, valueCount, layer, size));
      }
    }
  }

  private static ServingException unfit(String message) {
    return new ServingException(ErrorCode.FAILED_PRECONDITION, "PREFIX_SHAPE", message);
  }
}
