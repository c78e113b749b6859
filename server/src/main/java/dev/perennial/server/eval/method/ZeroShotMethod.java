package dev.perennial.server.eval.method;

import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import java.time.Duration;

/** The frozen CLIP (Radford et al., ICML 2021, arXiv 2103.00020): it learns nothing. */
final class ZeroShotMethod implements Method {
  static final MethodKind KIND =
      new MethodKind(
          "zero-shot",
          "CLIP, ICML 2021, arXiv 2103.00020",
          ResidualMethod.FAMILY,
          (options, model) -> ZeroShotMethod::new);

  private final BranchScorer scorer;

  private ZeroShotMethod(Bench bench) {
    this.scorer = bench.shared(BranchScorer.class, BranchScorer::new);
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    return new Learned(0, 0, Duration.ZERO);
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    int pictures = task.test().size();
    return Answers.of(
        scorer.answers(
            task, labels.labels(), BranchScorer.same(null, pictures), new float[pictures]));
  }

  @Override
  public void close() {}
}
