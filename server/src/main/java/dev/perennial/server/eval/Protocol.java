package dev.perennial.server.eval;

import dev.perennial.client.TrainingJob;
import dev.perennial.client.TrainingListener;
import java.util.List;

/**
 * The domain-class-incremental protocol (MTIL; ZSCL, ICCV 2023): tests every domain once before
 * anything is taught, then teaches the domains in order and tests all of them after each.
 */
public final class Protocol {
  /** Hears how far a run is. */
  public interface Progress {
    /** A domain's training moves on. */
    void learning(Domain domain, TrainingJob job);

    /**
     * A test set was answered.
     *
     * @param learnt domains learnt so far
     */
    void tested(int learnt, Domain domain, double accuracy);
  }

  /**
   * What one run measured, in percent.
   *
   * @param zeroShot per domain, before anything was taught
   */
  public record Run(long seed, List<Double> zeroShot, AccuracyMatrix matrix) {}

  private Protocol() {}

  /** Runs the protocol and unlearns the domains again. Blocks for minutes. */
  public static Run run(ServedMethod method, List<Domain> domains, long seed, Progress progress) {
    method.requireUnknown(domains);
    int count = domains.size();
    double[] zeroShot = test(method, domains, 0, progress);
    double[][] percent = new double[count][];
    for (int j = 0; j < count; j++) {
      Domain domain = domains.get(j);
      method.teach(
          domain,
          new TrainingListener() {
            @Override
            public void changed(TrainingJob job) {
              progress.learning(domain, job);
            }
          });
      percent[j] = test(method, domains, j + 1, progress);
    }
    domains.forEach(method::forget);
    return new Run(
        seed, java.util.Arrays.stream(zeroShot).boxed().toList(), new AccuracyMatrix(percent));
  }

  private static double[] test(
      ServedMethod method, List<Domain> domains, int learnt, Progress progress) {
    double[] accuracies = new double[domains.size()];
    for (int i = 0; i < accuracies.length; i++) {
      Domain domain = domains.get(i);
      accuracies[i] = ServedMethod.accuracy(domain, method.classify(domain));
      progress.tested(learnt, domain, accuracies[i]);
    }
    return accuracies;
  }
}
