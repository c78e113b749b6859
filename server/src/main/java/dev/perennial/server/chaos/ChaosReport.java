package dev.perennial.server.chaos;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.perennial.server.chaos.Tally.Count;
import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/** What a run has counted, by kind of kill. Made once, at its end. */
public final class ChaosReport {
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  private static final String TOTAL = "total";

  private final int members;
  private final long seed;
  private final Duration took;
  private final Map<Kind, Count> counts;
  private final List<String> findings;

  ChaosReport(
      int members, long seed, Duration took, Map<Kind, Count> counts, List<String> findings) {
    this.members = members;
    this.seed = seed;
    this.took = took;
    this.counts = Map.copyOf(counts);
    this.findings = List.copyOf(findings);
  }

  /** Blows that fell. */
  public long kills() {
    return total(count -> count.kills);
  }

  /** Changes that were acknowledged. */
  public long acknowledged() {
    return total(count -> count.acknowledged);
  }

  public long violations(Violation violation) {
    return total(count -> count.violations.getOrDefault(violation, 0));
  }

  /** Whether nothing was seen that must not be. */
  public boolean clean() {
    for (Violation violation : Violation.values()) {
      if (violations(violation) > 0) {
        return false;
      }
    }
    return true;
  }

  /** What was seen that must not be, in words; the first of it. */
  public List<String> findings() {
    return findings;
  }

  private long total(ToLongFunction<Count> of) {
    return counts.values().stream().mapToLong(of).sum();
  }

  private Map<String, Long> byKind(ToLongFunction<Count> of) {
    Map<String, Long> json = new LinkedHashMap<>();
    json.put(TOTAL, total(of));
    for (Kind kind : Kind.values()) {
      Count count = counts.get(kind);
      if (count != null) {
        json.put(kind.key(), of.applyAsLong(count));
      }
    }
    return json;
  }

  private Map<String, Object> times(Function<Count, List<Double>> of) {
    Map<String, Object> json = new LinkedHashMap<>();
    for (Kind kind : Kind.values()) {
      Count count = counts.get(kind);
      if (count != null && !of.apply(count).isEmpty()) {
        List<Double> seconds = of.apply(count);
        json.put(
            kind.key(),
            Map.of("median", rounded(median(seconds)), "max", rounded(Collections.max(seconds))));
      }
    }
    return json;
  }

  private static double rounded(double seconds) {
    return Math.round(100 * seconds) / 100.0;
  }

  private static double median(List<Double> seconds) {
    return seconds.stream().sorted().toList().get(seconds.size() / 2);
  }

  /** For programs. */
  public String json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("members", members);
    json.put("seed", seed);
    json.put("seconds", took.toSeconds());
    json.put("kills", byKind(count -> count.kills));
    json.put("processes_killed", byKind(count -> count.processes));
    json.put("acknowledged", byKind(count -> count.acknowledged));
    for (Violation violation : Violation.values()) {
      json.put(violation.key(), byKind(count -> count.violations.getOrDefault(violation, 0)));
    }
    json.put("answers", byKind(count -> count.answers));
    json.put("recovery_seconds", times(count -> count.recoveries));
    json.put("change_pause_seconds", times(count -> count.pauses));
    json.put("findings", findings);
    return GSON.toJson(json) + "\n";
  }

  /** For people. */
  public String table() {
    StringBuilder text = new StringBuilder();
    text.append(
        row("KIND", "KILLS", "ACKED", "LOST", "BACK", "MIXED", "OTHER", "ANSWERS", "BACK IN s"));
    for (Kind kind : Kind.values()) {
      Count count = counts.get(kind);
      if (count != null) {
        text.append(row(kind.key(), count));
      }
    }
    Count all = new Count();
    counts.values().forEach(count -> add(all, count));
    text.append(row(TOTAL, all));
    findings.forEach(finding -> text.append("  ").append(finding).append('\n'));
    return text.toString();
  }

  private static void add(Count all, Count count) {
    all.kills += count.kills;
    all.acknowledged += count.acknowledged;
    all.answers += count.answers;
    all.recoveries.addAll(count.recoveries);
    count.violations.forEach((what, times) -> all.violations.merge(what, times, Integer::sum));
  }

  private static String row(String name, Count count) {
    int lost = count.violations.getOrDefault(Violation.LOST, 0);
    int back = count.violations.getOrDefault(Violation.EPOCH_REGRESSIONS, 0);
    int mixed = count.violations.getOrDefault(Violation.MIXED_ANSWERS, 0);
    int every = count.violations.values().stream().mapToInt(Integer::intValue).sum();
    return row(
        name,
        count.kills,
        count.acknowledged,
        lost,
        back,
        mixed,
        every - lost - back - mixed,
        count.answers,
        count.recoveries.isEmpty()
            ? ""
            : String.format(
                Locale.ROOT,
                "%.1f, at most %.1f",
                median(count.recoveries),
                Collections.max(count.recoveries)));
  }

  private static String row(Object... cells) {
    return String.format(Locale.ROOT, "  %-14s %6s %6s %5s %5s %6s %6s %8s  %s%n", cells);
  }
}
