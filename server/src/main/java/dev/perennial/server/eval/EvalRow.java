package dev.perennial.server.eval;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.error.ServingException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * One row of the table: a method with its options, checked. Immutable.
 *
 * @param name as it was written, without the number of seeds: {@code diki} or {@code
 *     diki:recipe=official}
 * @param options defaults filled in
 * @param seeds it runs with that many of the first seeds; 0 for all
 */
public record EvalRow(
    String name,
    MethodKind kind,
    Map<String, String> options,
    int seeds,
    MethodKind.Opener opener) {
  private static final String SEEDS = "seeds";

  public EvalRow {
    options = Map.copyOf(options);
  }

  /**
   * Reads {@code method[:option=value]...}; beside the method's own options there is {@code
   * seeds=N}.
   *
   * @param common for every method that knows them; a row's own come first
   * @throws ServingException INVALID_ARGUMENT
   */
  public static EvalRow parse(
      String text, List<MethodKind> kinds, Map<String, String> common, ClipConfig model) {
    String[] parts = text.split(":", -1);
    MethodKind kind = kind(kinds, parts[0]);
    Map<String, String> own = new LinkedHashMap<>();
    for (int i = 1; i < parts.length; i++) {
      int equals = parts[i].indexOf('=');
      if (equals < 1
          || own.put(parts[i].substring(0, equals), parts[i].substring(equals + 1)) != null) {
        throw ServingException.invalid(
            "METHOD_OPTION",
            "methods",
            "%s: \"%s\" (expected: option=value, each once)".formatted(text, parts[i]));
      }
    }
    String seedCount = own.remove(SEEDS);
    MethodOptions options = new MethodOptions(text, own, common);
    int seeds =
        seedCount == null ? 0 : new MethodOptions(text, Map.of(SEEDS, seedCount)).count(SEEDS, 1);
    MethodKind.Opener opener = kind.parser().parse(options, model);
    options.requireAllRead();
    return new EvalRow(nameOf(parts), kind, options.resolved(), seeds, opener);
  }

  private static String nameOf(String[] parts) {
    return Arrays.stream(parts)
        .filter(part -> !part.startsWith(SEEDS + "="))
        .collect(Collectors.joining(":"));
  }

  private static MethodKind kind(List<MethodKind> kinds, String name) {
    for (MethodKind kind : kinds) {
      if (kind.name().equals(name)) {
        return kind;
      }
    }
    throw ServingException.invalid(
        "UNKNOWN_METHOD",
        "methods",
        "method: %s (expected: one of %s)"
            .formatted(name, kinds.stream().map(MethodKind::name).toList()));
  }

  /** Those of the given seeds that it runs with. */
  List<Long> seedsOf(List<Long> all) {
    return seeds == 0 ? all : all.subList(0, Math.min(seeds, all.size()));
  }
}
