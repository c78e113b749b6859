package dev.perennial.server.eval.method;

import dev.perennial.client.PerennialClient;
import dev.perennial.server.eval.MethodKind;
import java.util.List;
import java.util.stream.Stream;

/** Every method that can be asked for by name. Stateless. */
public final class MethodTable {
  private static final List<MethodKind> KINDS =
      Stream.of(
              Stream.of(
                  ZeroShotMethod.KIND, FineTuneMethod.KIND, ZsclMethod.KIND, PromptPoolMethod.KIND),
              ResidualMethod.KINDS.stream(),
              OfficialBatchMethod.KINDS.stream(),
              Stream.of(UnionMethod.KIND))
          .flatMap(kinds -> kinds)
          .toList();

  private MethodTable() {}

  /** All, in the order of a report. */
  public static List<MethodKind> kinds() {
    return KINDS;
  }

  /** Names of those that are compared where nobody says which. */
  public static List<String> usual() {
    return KINDS.stream().map(MethodKind::name).toList();
  }

  /** What a running server can be asked for: it learns and answers in their place. */
  public static List<MethodKind> served(PerennialClient client) {
    return ServedMethod.kinds(client);
  }
}
