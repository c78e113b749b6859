package dev.perennial.server.eval.method;

import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.gaussian.GateKind;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Residual attention with a task and a weight for each image (DIKI, ECCV 2024, arXiv 2407.05342,
 * sections 3.2 and 3.3), the way the server does it. Its variants differ in the gate and in how the
 * task is chosen:
 *
 * <ul>
 *   <li>{@code diki}: our gate ({@link GateKind#ROBUST}); what the server does by default;
 *   <li>{@code diki-paper}: the article's gate, per image;
 *   <li>{@code iki}: the branch alone, w = 1 whatever the Gaussians say. The task is that of the
 *       highest log-density; or, as in L2P (CVPR 2022, arXiv 2112.08654) and S-Prompts (NeurIPS
 *       2022, arXiv 2207.12819), that whose key, the mean of its training features, is nearest.
 * </ul>
 */
final class ResidualMethod implements Method {
  /** All methods with residual branches: they share them. */
  static final String FAMILY = "residual";

  static final List<MethodKind> KINDS =
      List.of(
          kind("iki", "DIKI without its gate, ECCV 2024, arXiv 2407.05342", Gate.OFF),
          kind("diki-paper", "DIKI, gate of the article per image, arXiv 2407.05342", Gate.PAPER),
          kind("diki", "DIKI, our gate, ECCV 2024, arXiv 2407.05342", Gate.ROBUST));

  /** How strongly the branch counts. */
  enum Gate {
    /** w = 1. */
    OFF,
    /** {@link GateKind#PAPER}. */
    PAPER,
    /** {@link GateKind#ROBUST}. */
    ROBUST
  }

  /** How an image's task is chosen. */
  enum Choice {
    /** The highest log-density of the frozen features. */
    GAUSSIAN,
    /** The highest cosine with the mean of the task's frozen training features. */
    KEY
  }

  private final Bench bench;
  private final Gate gate;
  private final Choice choice;
  private final LearntBranches learnt;

  private ResidualMethod(Bench bench, BranchSettings settings, Gate gate, Choice choice) {
    this.bench = bench;
    this.learnt = new LearntBranches(bench, settings);
    this.gate = gate;
    this.choice = choice;
  }

  private static MethodKind kind(String name, String source, Gate usual) {
    return new MethodKind(
        name,
        source,
        FAMILY,
        (options, model) -> {
          BranchSettings settings = BranchSettings.parse(options, model);
          Gate gate = options.choice("gate", Gate.class, usual);
          Choice choice = options.choice("choice", Choice.class, Choice.GAUSSIAN);
          return bench -> new ResidualMethod(bench, settings, gate, choice);
        });
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    return learnt.learn(task, progress);
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    int pictures = task.test().size();
    int[] tasks = new int[pictures];
    float[] weights = new float[pictures];
    @Nullable TrainedBranch[] branches = new TrainedBranch[pictures];
    if (learnt.isEmpty()) {
      Arrays.fill(tasks, -1);
    } else {
      route(task, tasks, weights);
      for (int i = 0; i < pictures; i++) {
        branches[i] = learnt.get(tasks[i]);
      }
    }
    BranchScorer scorer = bench.shared(BranchScorer.class, BranchScorer::new);
    return Answers.of(scorer.answers(task, labels.labels(), branches, weights), tasks, weights);
  }

  private void route(EvalTask task, int[] tasks, float[] weights) {
    float[] frozen = bench.shared(FrozenFeatures.class, FrozenFeatures::new).ofTests(task);
    GateKind kind = gate == Gate.PAPER ? GateKind.PAPER : GateKind.ROBUST;
    List<double[]> logDensities = new ArrayList<>();
    for (TrainedBranch branch : learnt.all()) {
      logDensities.add(branch.logDensities(kind, task, frozen));
    }
    for (int i = 0; i < tasks.length; i++) {
      tasks[i] = choose(logDensities, frozen, i);
      weights[i] =
          gate == Gate.OFF
              ? 1
              : (float)
                  learnt.get(tasks[i]).gaussian(kind).gateWeight(logDensities.get(tasks[i])[i]);
    }
  }

  private int choose(List<double[]> logDensities, float[] frozen, int picture) {
    int embedDim = bench.model().config().embedDim();
    int best = 0;
    double highest = Double.NEGATIVE_INFINITY;
    for (int t = 0; t < learnt.size(); t++) {
      double value =
          choice == Choice.GAUSSIAN
              ? logDensities.get(t)[picture]
              : learnt.get(t).keySimilarity(frozen, picture * embedDim);
      if (value > highest) {
        highest = value;
        best = t;
      }
    }
    return best;
  }

  @Override
  public void close() {}
}
