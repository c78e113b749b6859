package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.eval.EvalRow;
import dev.perennial.server.eval.method.MethodTable;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class EvalDisplayTest {
  @Test
  void lines_resumedRun_timeLeftCountsOnlyWhatThisRunDid() {
    StringWriter text = new StringWriter();
    AtomicLong nanos = new AtomicLong();
    EvalRow row =
        EvalRow.parse(
            "zero-shot", MethodTable.kinds(), Map.of(), ModelDirectory.embedded().config());
    try (EvalDisplay display = new EvalDisplay.Lines(new PrintWriter(text, true), nanos::get)) {
      display.started(10, 6);
      nanos.addAndGet(5_000_000_000L);
      display.tested(row, 3, 0, new double[] {40, 60});
      nanos.addAndGet(5_000_000_000L);
      display.tested(row, 3, 1, new double[] {50, 60});
    }
    assertEquals(
        List.of(
            "6 of 10 stages were done before",
            "7/10 zero-shot, seed 3: 0 learnt, mean 50.0 %, about 15 s left",
            "8/10 zero-shot, seed 3: 1 learnt, mean 55.0 %, about 10 s left"),
        text.toString().lines().toList());
  }
}
