package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.eval.MethodOptions;
import dev.perennial.server.eval.RunState;
import dev.perennial.server.eval.data.MiniMtilSuite;
import dev.perennial.server.eval.data.Suite;
import java.util.List;
import java.util.Map;

/** The built-in model before a few pictures of two tasks of mini-MTIL. */
final class SmallBenches {
  private static final int SHOTS = 6;
  private static final int TESTS = 4;
  private static final long PIXEL_BYTES = 64L << 20;

  private SmallBenches() {}

  static Bench bench(long seed) {
    Suite suite = new MiniMtilSuite(TESTS);
    return new Bench(
        new Bench.Engine(ModelDirectory.embedded(), "cpu", Precision.FP32),
        seed,
        List.of(suite.task("digits", SHOTS, seed), suite.task("signs", SHOTS, seed)),
        LabelSpace.Kind.TASK,
        PIXEL_BYTES,
        RunState.NONE);
  }

  static MethodKind.Opener opener(MethodKind kind, Map<String, String> options) {
    MethodOptions read = new MethodOptions(kind.name(), options);
    MethodKind.Opener opener = kind.parser().parse(read, ModelDirectory.embedded().config());
    read.requireAllRead();
    return opener;
  }
}
