package dev.perennial.server.cli;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.data.FolderSuite;
import dev.perennial.server.eval.data.HalvedSuite;
import dev.perennial.server.eval.data.MiniMtilSuite;
import dev.perennial.server.eval.data.MtilSuite;
import dev.perennial.server.eval.data.Suite;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Option;

/** Which tasks, and in which order they are learnt: options of {@code eval}. */
final class EvalSuite {
  private static final String MINI_MTIL = "mini-mtil";
  private static final String HALVES = "mini-mtil-halves";
  private static final String MTIL = "mtil";
  private static final String ORDER_I = "I";
  private static final String ORDER_II = "II";
  private static final String FEW_SHOT = "few-shot";

  @Option(
      names = "--suite",
      paramLabel = "NAME|DIR",
      description =
          "mini-mtil; mini-mtil-halves; mtil, with --data; or a folder with TASK/train/CLASS/* and"
              + " TASK/test/CLASS/*.")
  private String name = MINI_MTIL;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "The folder of MTIL's data sets: server/docs/mtil.md.")
  private @Nullable Path data;

  @Option(
      names = "--order",
      split = ",",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "TASK",
      description =
          "Tasks as they are learnt: a list (default: the suite's), or for mtil I, II, few-shot.")
  private List<String> order = List.of();

  /**
   * The suite that was asked for; throws INVALID_ARGUMENT, FAILED_PRECONDITION.
   *
   * @param tests pictures of each class that are wanted, 0 for all; mini-MTIL draws as many
   */
  Suite suite(int tests) {
    if (name.equals(MTIL)) {
      if (data == null) {
        throw ServingException.invalid(
            "NO_DATA", "data", "data: none (expected: --data DIR, the folder of MTIL's data sets)");
      }
      return new MtilSuite(data);
    }
    if (data != null) {
      throw ServingException.invalid(
          "UNUSED_DATA", "data", "data: %s (expected: none but with mtil)".formatted(data));
    }
    if (name.equals(MINI_MTIL)) {
      return miniMtil(tests);
    }
    if (name.equals(HALVES)) {
      return new HalvedSuite(miniMtil(tests));
    }
    Path folder = Path.of(name);
    if (!Files.isDirectory(folder)) {
      throw ServingException.invalid(
          "UNKNOWN_SUITE",
          "suite",
          "suite: %s (expected: mini-mtil, mini-mtil-halves, mtil or a folder)".formatted(name));
    }
    return new FolderSuite(folder);
  }

  private static MiniMtilSuite miniMtil(int tests) {
    return tests > 0 ? new MiniMtilSuite(tests) : new MiniMtilSuite();
  }

  /** Names of tasks. */
  List<String> order(Suite suite) {
    if (order.isEmpty()) {
      return suite.tasks();
    }
    if (order.size() > 1 || !(suite instanceof MtilSuite)) {
      return order;
    }
    return switch (order.get(0)) {
      case ORDER_I -> MtilSuite.ORDER_I;
      case ORDER_II -> MtilSuite.ORDER_II;
      case FEW_SHOT -> MtilSuite.FEW_SHOT_ORDER;
      default -> order;
    };
  }
}
