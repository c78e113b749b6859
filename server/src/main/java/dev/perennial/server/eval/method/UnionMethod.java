package dev.perennial.server.eval.method;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.device.LabelFeatures;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Answers.Guess;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.eval.MethodOptions;
import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.scoring.DomainGate;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.TaskCandidates;
import dev.perennial.server.scoring.TaskPosterior;
import dev.perennial.server.scoring.UnionScoring;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The server's default scoring ({@link UnionScoring}): {@code perennial}. Each part can be left
 * out, for the table that says what it is worth.
 *
 * <p>A label space of the task's own classes is asked as a caller's list, the others as everything
 * known, with what is unlearnt beside it.
 */
final class UnionMethod implements Method {
  static final MethodKind KIND =
      new MethodKind(
          "perennial",
          "DIKI's branches, ECCV 2024, arXiv 2407.05342; discriminant heads and union scoring,"
              + " ours",
          ResidualMethod.FAMILY,
          (options, model) -> {
            BranchSettings settings = BranchSettings.parse(options, model);
            Parts parts = Parts.parse(options);
            return bench -> new UnionMethod(bench, settings, parts);
          });

  /** On or off. */
  enum Switch {
    ON,
    OFF
  }

  /**
   * What takes part.
   *
   * @param head the discriminant head's log-probabilities beside the branch's logits
   * @param unlearnt q: unlearnt labels compete within a learnt domain
   * @param density the density ratio in q
   * @param second a second task's branch
   * @param none "none of these" lowers the confidence of an answer among known classes alone
   * @param bias b
   * @param temperature of the tasks' own answers
   */
  record Parts(
      boolean head,
      boolean unlearnt,
      boolean density,
      boolean second,
      boolean none,
      double bias,
      double temperature) {
    private static final double MAX_BIAS = 1000;
    private static final double MAX_TEMPERATURE = 100;

    static Parts parse(MethodOptions options) {
      return new Parts(
          on(options, "head"),
          on(options, "unlearnt"),
          on(options, "density"),
          on(options, "second"),
          on(options, "none"),
          options.number("bias", UnionScoring.DEFAULT_BIAS, -MAX_BIAS, MAX_BIAS),
          options.number(
              "temperature",
              UnionScoring.DEFAULT_TEMPERATURE,
              1 / MAX_TEMPERATURE,
              MAX_TEMPERATURE));
    }

    private static boolean on(MethodOptions options, String name) {
      return options.choice(name, Switch.class, Switch.ON) == Switch.ON;
    }
  }

  private final Bench bench;
  private final Parts parts;
  private final FullBranches full;
  private final LearntBranches learnt;

  private UnionMethod(Bench bench, BranchSettings settings, Parts parts) {
    this.bench = bench;
    this.learnt = new LearntBranches(bench, settings);
    this.parts = parts;
    this.full = bench.shared(FullBranches.class, FullBranches::new);
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    return learnt.learn(task, progress);
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    Asked asked = new Asked(task, labels);
    int pictures = task.test().size();
    Route[] routes = new Route[pictures];
    Map<TrainedBranch, List<Integer>> wanted = new HashMap<>();
    for (int i = 0; i < pictures; i++) {
      Route route = asked.route(i);
      routes[i] = route;
      for (int t : route.gate() == 0 ? new int[0] : route.tasks()) {
        wanted.computeIfAbsent(learnt.get(t), absent -> new ArrayList<>()).add(i);
      }
    }
    wanted.forEach((branch, places) -> full.run(task, branch, places));
    Guess[] answers = new Guess[pictures];
    int[] tasks = new int[pictures];
    float[] gates = new float[pictures];
    for (int i = 0; i < pictures; i++) {
      answers[i] = asked.guess(i, routes[i]);
      tasks[i] = routes[i].tasks().length == 0 ? -1 : routes[i].tasks()[0];
      gates[i] = (float) routes[i].gate();
    }
    return Answers.of(answers, tasks, gates);
  }

  /** Where an image goes; without tasks where none has a say. {@code none}: of no domain. */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  private record Route(int[] tasks, double[] posterior, double gate, double none) {}

  /** One test set's question under what is learnt now. */
  private final class Asked {
    private final EvalTask task;
    private final LabelSpace.Kind kind;
    private final LabelSet labels;
    private final LabelOwners owners;
    private final @Nullable LabelSet open;
    private final int[] placeOfOpen;
    private final float[] frozen;

    Asked(EvalTask task, LabelSpace space) {
      this.task = task;
      this.kind = space.kind();
      this.labels = space.labels();
      this.frozen = bench.shared(FrozenFeatures.class, FrozenFeatures::new).ofTests(task);
      this.owners =
          LabelOwners.of(
              labels.labels(),
              learnt.all().stream().map(branch -> branch.version().classNames()).toList());
      if (kind == LabelSpace.Kind.TASK) {
        this.open = labels;
        this.placeOfOpen = new int[labels.labels().size()];
        Arrays.setAll(placeOfOpen, i -> i);
      } else {
        this.placeOfOpen = owners.unlearnt();
        Set<String> names = owners.unlearntAmong(labels.labels());
        this.open = names.isEmpty() ? null : full.only(labels, names);
      }
    }

    Route route(int picture) {
      TaskCandidates candidates = new TaskCandidates();
      for (int t : likeliest(picture)) {
        candidates.offer(t, logGaussian(t, picture));
      }
      if (candidates.size() == 0) {
        return new Route(new int[0], new double[0], 0, 0);
      }
      double[] densities = new double[candidates.size()];
      Arrays.setAll(densities, i -> opinion(candidates.task(i), picture).logDensity());
      TaskPosterior posterior = TaskPosterior.of(densities);
      int members = parts.second() ? posterior.tasks().length : 1;
      int[] tasks = new int[members];
      Arrays.setAll(tasks, i -> candidates.task(posterior.tasks()[i]));
      double[] shares = parts.second() ? posterior.probabilities() : new double[] {1};
      double z = learnt.get(tasks[0]).domain().z(logGaussian(tasks[0], picture));
      double gate = open == null ? 1 : DomainGate.gate(z, owners.allLearnt());
      return new Route(tasks, shares, gate, DomainGate.none(z));
    }

    private int[] likeliest(int picture) {
      int[] considered = IntStream.range(0, learnt.size()).filter(owners::considers).toArray();
      int at = picture * bench.model().config().embedDim();
      double[] spherical =
          Arrays.stream(considered)
              .mapToDouble(t -> learnt.get(t).domain().sphericalLogDensity(frozen, at))
              .toArray();
      return TaskCandidates.likeliest(considered, spherical, TaskCandidates.LIKELIEST);
    }

    /** Among known classes alone, an image of no learnt domain has no right answer. */
    Guess guess(int picture, Route route) {
      double[] probabilities = probabilities(picture, route);
      int best = 0;
      for (int place = 1; place < probabilities.length; place++) {
        best = probabilities[place] > probabilities[best] ? place : best;
      }
      boolean mayBeNone = kind == LabelSpace.Kind.KNOWN && parts.none();
      double confidence = probabilities[best] * (mayBeNone ? 1 - route.none() : 1);
      return new Guess(best, (float) confidence);
    }

    private DiscriminantHead.Opinion opinion(int t, int picture) {
      return full.opinion(task, learnt.get(t), picture);
    }

    private double logGaussian(int t, int picture) {
      return full.logGaussian(task, learnt.get(t), picture);
    }

    double[] probabilities(int picture, Route route) {
      double[] zeroShot = new double[labels.labels().size()];
      if (route.gate() < 1 && open != null) {
        int embedDim = bench.model().config().embedDim();
        float[] own = Arrays.copyOfRange(frozen, picture * embedDim, (picture + 1) * embedDim);
        float[] probabilities = score(open, null, own).probabilities();
        for (int o = 0; o < probabilities.length; o++) {
          zeroShot[placeOfOpen[o]] = probabilities[o];
        }
      }
      if (route.gate() == 0) {
        return zeroShot;
      }
      List<UnionScoring.TaskView> views = new ArrayList<>();
      for (int m = 0; m < route.tasks().length; m++) {
        views.add(view(route.tasks()[m], route.posterior()[m], picture));
      }
      return new UnionScoring(
              parts.unlearnt() ? parts.bias() : Double.NEGATIVE_INFINITY, parts.temperature())
          .answer(owners.unlearnt(), route.gate(), zeroShot, views)
          .probabilities();
    }

    private UnionScoring.TaskView view(int t, double posterior, int picture) {
      TrainedBranch branch = learnt.get(t);
      DiscriminantHead.Opinion opinion = opinion(t, picture);
      float[] own = full.features(task, branch, picture);
      double[] h = opinion.logProbabilities();
      if (!parts.head()) {
        h = new double[h.length];
        Arrays.fill(h, -Math.log(h.length));
      }
      double evidence =
          branch.version().head().tau()
              * (opinion.logDensity() - full.logGaussian(task, branch, picture));
      boolean knows = owners.knows(t);
      return new UnionScoring.TaskView(
          posterior,
          parts.density() ? evidence : 0,
          knows ? score(full.classes(branch), branch, own).logits() : new float[0],
          h,
          owners.placeOfClass(t),
          unlearntLogits(branch, own));
    }

    private double[] unlearntLogits(TrainedBranch branch, float[] own) {
      return open == null || owners.allLearnt()
          ? new double[0]
          : owners.ofUnlearnt(placeOfOpen, score(open, branch, own).logits());
    }

    private LabelFeatures.Scores score(
        LabelSet set, @Nullable TrainedBranch branch, float[] features) {
      return full.texts(set, branch).score(features, 0, bench.model().logitScale());
    }
  }

  @Override
  public void close() {}
}
