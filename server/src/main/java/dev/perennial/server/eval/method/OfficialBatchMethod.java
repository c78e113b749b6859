package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.device.LabelFeatures;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Answers.Guess;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.gaussian.GateKind;
import java.util.Arrays;
import java.util.List;

/**
 * DIKI as its official code answers (github.com/lloongx/DIKI, {@code CustomCLIP.forward}): each
 * image of a batch finds the task of its highest log-density and the article's gate weight; then
 * the whole batch takes the task that most of its images chose, images with their own weights,
 * texts with the mean of the weights. An image's answer so depends on its neighbours: we never
 * serve so; here it shows what that costs. Differs from it in the 512 of the gate, which is the
 * embed dim here (see {@link dev.perennial.server.gaussian.TaskGaussian}).
 */
final class OfficialBatchMethod implements Method {
  static final List<MethodKind> KINDS =
      List.of(
          kind(
              "diki-official",
              "DIKI's official code, batches of one domain, github.com/lloongx/DIKI",
              Batches.PURE),
          kind(
              "diki-official-mixed",
              "DIKI's official code, batches of two domains half and half, github.com/lloongx/DIKI",
              Batches.MIXED));

  /** Images of a batch, in the official configuration. */
  private static final int BATCH = 128;

  /** Whose images share a batch. */
  enum Batches {
    /** Images of one test set, as the field's protocol has it. */
    PURE,
    /** Half of them are of the next task's test set. */
    MIXED
  }

  private final Bench bench;
  private final int batch;
  private final Batches batches;
  private final LearntBranches learnt;

  private OfficialBatchMethod(Bench bench, BranchSettings settings, int batch, Batches batches) {
    this.bench = bench;
    this.learnt = new LearntBranches(bench, settings);
    this.batch = batch;
    this.batches = batches;
  }

  private static MethodKind kind(String name, String source, Batches batches) {
    return new MethodKind(
        name,
        source,
        ResidualMethod.FAMILY,
        (options, model) -> {
          BranchSettings settings = BranchSettings.parse(options, model);
          int batch = options.count("test-batch-size", BATCH);
          return bench -> new OfficialBatchMethod(bench, settings, batch, batches);
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
    if (learnt.isEmpty()) {
      Arrays.fill(tasks, -1);
      BranchScorer scorer = bench.shared(BranchScorer.class, BranchScorer::new);
      return Answers.of(
          scorer.answers(task, labels.labels(), BranchScorer.same(null, pictures), weights),
          tasks,
          weights);
    }
    Guess[] answers = new Guess[pictures];
    int own = batches == Batches.PURE ? batch : Math.max(1, batch / 2);
    Routed others = routed(next(task));
    Routed these = routed(task);
    for (int from = 0; from < pictures; from += own) {
      int to = Math.min(from + own, pictures);
      Company company = new Company(learnt.size());
      company.join(these, from, to);
      if (batches == Batches.MIXED) {
        for (int i = from; i < to; i++) {
          int other = i % others.tasks().length;
          company.join(others, other, other + 1);
        }
      }
      int major = company.majority();
      Arrays.fill(tasks, from, to, major);
      System.arraycopy(these.weights(), from, weights, from, to - from);
      answer(
          task, labels.labels(), learnt.get(major), company.meanWeight(), these, from, to, answers);
    }
    return Answers.of(answers, tasks, weights);
  }

  private EvalTask next(EvalTask task) {
    return bench.tasks().get((task.place() + 1) % bench.tasks().size());
  }

  /** Each image's own choice. */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  private record Routed(int[] tasks, float[] weights) {}

  private Routed routed(EvalTask task) {
    float[] frozen = bench.shared(FrozenFeatures.class, FrozenFeatures::new).ofTests(task);
    int pictures = task.test().size();
    int[] tasks = new int[pictures];
    float[] weights = new float[pictures];
    double[] highest = new double[pictures];
    Arrays.fill(highest, Double.NEGATIVE_INFINITY);
    for (int t = 0; t < learnt.size(); t++) {
      double[] logDensities = learnt.get(t).logDensities(GateKind.PAPER, task, frozen);
      for (int i = 0; i < pictures; i++) {
        if (logDensities[i] > highest[i]) {
          highest[i] = logDensities[i];
          tasks[i] = t;
          weights[i] = (float) learnt.get(t).gaussian(GateKind.PAPER).gateWeight(logDensities[i]);
        }
      }
    }
    return new Routed(tasks, weights);
  }

  /** The images of one batch, as far as they bear upon each other. */
  private static final class Company {
    private final int[] votes;
    private double weights;
    private int images;

    Company(int tasks) {
      votes = new int[tasks];
    }

    void join(Routed routed, int from, int to) {
      for (int i = from; i < to; i++) {
        votes[routed.tasks()[i]]++;
        weights += routed.weights()[i];
        images++;
      }
    }

    /** The task that most chose, the first of equals. */
    int majority() {
      int major = 0;
      for (int t = 1; t < votes.length; t++) {
        if (votes[t] > votes[major]) {
          major = t;
        }
      }
      return major;
    }

    float meanWeight() {
      return (float) (weights / images);
    }
  }

  private void answer(
      EvalTask task,
      LabelSet labels,
      TrainedBranch branch,
      float textWeight,
      Routed routed,
      int from,
      int to,
      Guess[] answers) {
    ClipModel model = bench.model();
    LabelFeatures texts =
        bench.shared(BranchScorer.class, BranchScorer::new).exactly(labels, branch, textWeight);
    float[] images;
    try (PrefixBank bank = model.bank(List.of(branch.version().prefixes()))) {
      images =
          model.imageFeatures(
              task.test().pixels(from, to),
              bank,
              new int[to - from],
              Arrays.copyOfRange(routed.weights(), from, to));
    }
    int embedDim = model.config().embedDim();
    for (int i = from; i < to; i++) {
      int row = (i - from) * embedDim;
      float[] features = Arrays.copyOfRange(images, row, row + embedDim);
      answers[i] = Guess.best(texts.score(features, 0, model.logitScale()).probabilities());
    }
  }

  @Override
  public void close() {}
}
