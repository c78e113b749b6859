package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressMeterTest {

  private final List<TrainingJob.Progress> reports = new ArrayList<>();
  private long nanos = 5_000_000_000L;
  private final ProgressMeter meter = new ProgressMeter(() -> nanos, reports::add);

  @Test
  void stepped_withinATenthOfASecond_reportedTogether() {
    meter.start(2, 20, 0, 0);
    for (int i = 0; i < 10; i++) {
      nanos += 25_000_000;
      meter.stepped(1, i, 1, 4);
    }
    assertEquals(3, reports.size());
    TrainingJob.Progress first = reports.get(1);
    assertEquals(4, first.step());
    assertEquals(1.5f, first.loss());
    assertEquals(0.25f, first.accuracy());
    TrainingJob.Progress second = reports.get(2);
    assertEquals(8, second.step());
    assertEquals(5.5f, second.loss()); // the mean since the report before
    assertEquals(160f, second.imagesPerSecond());
    assertEquals(Duration.ofMillis(300), second.timeLeft());
    meter.report();
    assertEquals(8.5f, reports.get(3).loss());
    meter.report();
    assertEquals(8.5f, reports.get(4).loss()); // nothing new to say
  }

  @Test
  void start_continued_timeLeftCountsThisRunOnly() {
    meter.validated(0.5f, 0.75f);
    meter.start(4, 40, 2, 20);
    assertEquals(2, reports.get(0).epoch());
    assertEquals(20, reports.get(0).step());
    assertEquals(Duration.ZERO, reports.get(0).timeLeft());
    nanos += 1_000_000_000;
    meter.stepped(3, 1f, 2, 4);
    assertEquals(Duration.ofSeconds(19), reports.get(1).timeLeft());
    assertEquals(0.5f, reports.get(1).validationAccuracyBefore());
    assertEquals(0.75f, reports.get(1).validationAccuracyBest());
    assertEquals(4f, reports.get(1).imagesPerSecond());
  }
}
