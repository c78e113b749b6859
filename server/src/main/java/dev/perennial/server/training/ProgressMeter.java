package dev.perennial.server.training;

import java.time.Duration;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * Turns steps into progress: mean loss and accuracy since the last report, images a second and the
 * time left. Reports at most every 100 ms, and at each end of an epoch. Owned by the job's thread.
 */
final class ProgressMeter {

  private static final long REPORT_NANOS = 100_000_000L;

  private final LongSupplier nanoTime;
  private final Consumer<TrainingJob.Progress> reports;

  private int epochs;
  private long steps;
  private int epoch;
  private long step;
  private float validationBefore = Float.NaN;
  private float validationBest = Float.NaN;

  /** Since the start of the steps in this run of the server. */
  private long startNanos;

  private long startStep;
  private long imagesSinceStart;

  /** Since the last report. */
  private long lastReportNanos;

  private double lossSum;
  private long correct;
  private long images;
  private long stepsSinceReport;

  /** What the last report said; kept while no step has been made since. */
  private float lastLoss;

  private float lastAccuracy;

  ProgressMeter(LongSupplier nanoTime, Consumer<TrainingJob.Progress> reports) {
    this.nanoTime = nanoTime;
    this.reports = reports;
  }

  /** The steps begin, from the given epoch and step on. */
  void start(int epochsInAll, long stepsInAll, int epochsDone, long stepsDone) {
    epochs = epochsInAll;
    steps = stepsInAll;
    epoch = epochsDone;
    step = stepsDone;
    startStep = stepsDone;
    startNanos = nanoTime.getAsLong();
    imagesSinceStart = 0;
    report();
  }

  void validated(float before, float best) {
    validationBefore = before;
    validationBest = best;
  }

  void stepped(int inEpoch, float loss, int correctImages, int batch) {
    epoch = inEpoch;
    step++;
    lossSum += loss;
    correct += correctImages;
    images += batch;
    stepsSinceReport++;
    imagesSinceStart += batch;
    if (nanoTime.getAsLong() - lastReportNanos >= REPORT_NANOS) {
      report();
    }
  }

  void report() {
    long now = nanoTime.getAsLong();
    lastReportNanos = now;
    if (stepsSinceReport > 0) {
      lastLoss = (float) (lossSum / stepsSinceReport);
      lastAccuracy = (float) correct / images;
    }
    double seconds = (now - startNanos) / 1e9;
    double rate = seconds > 0 ? imagesSinceStart / seconds : 0;
    long done = step - startStep;
    long leftNanos = done == 0 ? 0 : (long) ((now - startNanos) / (double) done * (steps - step));
    reports.accept(
        new TrainingJob.Progress(
            epoch,
            epochs,
            step,
            steps,
            lastLoss,
            lastAccuracy,
            (float) rate,
            Duration.ofNanos(leftNanos),
            validationBefore,
            validationBest));
    lossSum = 0;
    correct = 0;
    images = 0;
    stepsSinceReport = 0;
  }
}
