package dev.perennial.server.eval;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A result as comma-separated values (RFC 4180): one line for each cell of each matrix. {@code
 * learnt} is 0 for the answers before anything was learnt; an empty field is undefined.
 */
public final class ResultCsv {
  private static final String HEAD =
      "suite,labels,shots,method,seed,learnt,after,task,accuracy,routing_accuracy,gate_weight\n";

  private ResultCsv() {}

  /** Head and lines. */
  public static String write(EvalResult result) {
    StringBuilder text = new StringBuilder(HEAD);
    result.runs().forEach((row, runs) -> runs.forEach(run -> lines(text, result.plan(), row, run)));
    return text.toString();
  }

  private static void lines(StringBuilder text, EvalPlan plan, EvalRow row, MethodRun run) {
    List<String> order = plan.order();
    for (int learnt = 0; learnt <= order.size(); learnt++) {
      for (int i = 0; i < order.size(); i++) {
        int j = learnt - 1;
        MethodRun.Routing routing = run.routing();
        MethodRun.Gate gate = run.gate();
        text.append(field(plan.suite().name())).append(',');
        text.append(MethodOptions.text(plan.labels())).append(',');
        text.append(plan.shots()).append(',').append(field(row.name())).append(',');
        text.append(run.seed()).append(',').append(learnt).append(',');
        text.append(learnt == 0 ? "" : field(order.get(j))).append(',');
        text.append(field(order.get(i))).append(',');
        text.append(number(learnt == 0 ? run.zeroShot()[i] : run.matrix().at(j, i))).append(',');
        text.append(number(learnt == 0 || routing == null ? null : routing.accuracy()[j][i]));
        text.append(',');
        text.append(number(learnt == 0 || gate == null ? null : (Double) gate.mean()[j][i]));
        text.append('\n');
      }
    }
  }

  private static String number(@Nullable Double value) {
    return value == null ? "" : String.format(Locale.ROOT, "%.4f", value);
  }

  private static String field(String text) {
    boolean plain = text.chars().noneMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    return plain ? text : '"' + text.replace("\"", "\"\"") + '"';
  }
}
