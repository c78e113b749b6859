package dev.perennial.server.eval.method;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.device.LabelFeatures;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.eval.MethodOptions;
import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.gaussian.TaskGaussian;
import dev.perennial.server.scoring.DomainGate;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.TaskPosterior;
import dev.perennial.server.scoring.UnionScoring;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The server's default scoring ({@link UnionScoring}): {@code perennial}. Each part can be left
 * out, for the table that says what it is worth.
 *
 * <p>A label space of the task's own classes is asked as a caller's list, one of all tasks' classes
 * as everything known with the unlearnt ones beside it.
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
   * @param bias b
   */
  record Parts(boolean head, boolean unlearnt, boolean density, boolean second, double bias) {
    private static final double MAX_BIAS = 1000;

    static Parts parse(MethodOptions options) {
      return new Parts(
          on(options, "head"),
          on(options, "unlearnt"),
          on(options, "density"),
          on(options, "second"),
          options.number("bias", UnionScoring.DEFAULT_BIAS, -MAX_BIAS, MAX_BIAS));
    }

    private static boolean on(MethodOptions options, String name) {
      return options.choice(name, Switch.class, Switch.ON) == Switch.ON;
    }
  }

  private final Bench bench;
  private final BranchSettings settings;
  private final Parts parts;
  private final FullBranches full;
  private final List<TrainedBranch> learnt = new ArrayList<>();

  private UnionMethod(Bench bench, BranchSettings settings, Parts parts) {
    this.bench = bench;
    this.settings = settings;
    this.parts = parts;
    this.full = bench.shared(FullBranches.class, FullBranches::new);
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    TrainedBranch branch =
        bench.shared(TrainedBranches.class, TrainedBranches::new).get(settings, task, progress);
    learnt.add(branch);
    return branch.learned();
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    Asked asked = new Asked(task, labels.labels());
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
    int[] answers = new int[pictures];
    int[] tasks = new int[pictures];
    float[] gates = new float[pictures];
    for (int i = 0; i < pictures; i++) {
      answers[i] = highest(asked.probabilities(i, routes[i]));
      tasks[i] = routes[i].tasks().length == 0 ? -1 : routes[i].tasks()[0];
      gates[i] = (float) routes[i].gate();
    }
    return new Answers(answers, tasks, gates);
  }

  private static int highest(double[] values) {
    int highest = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[highest]) {
        highest = i;
      }
    }
    return highest;
  }

  /** Where an image goes; without tasks where none has a say. */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  private record Route(int[] tasks, double[] posterior, double gate) {}

  /** One test set's question under what is learnt now. */
  private final class Asked {
    private final EvalTask task;
    private final LabelSet labels;
    private final LabelOwners owners;
    private final @Nullable LabelSet open;
    private final int[] placeOfOpen;
    private final float[] frozen;

    Asked(EvalTask task, LabelSet labels) {
      this.task = task;
      this.labels = labels;
      this.frozen = bench.shared(FrozenFeatures.class, FrozenFeatures::new).ofTests(task);
      this.owners = owners(labels);
      if (labels.labels().equals(task.classNames())) {
        this.open = labels;
        this.placeOfOpen = new int[labels.labels().size()];
        Arrays.setAll(placeOfOpen, i -> i);
      } else {
        this.placeOfOpen = owners.unlearnt();
        Set<String> names = new HashSet<>();
        for (int place : placeOfOpen) {
          names.add(labels.labels().get(place));
        }
        this.open = names.isEmpty() ? null : full.only(labels, names);
      }
    }

    private LabelOwners owners(LabelSet set) {
      List<int[]> placeOfClass = new ArrayList<>();
      for (TrainedBranch branch : learnt) {
        placeOfClass.add(
            branch.version().classNames().stream().mapToInt(set.labels()::indexOf).toArray());
      }
      return new LabelOwners(set.labels().size(), placeOfClass);
    }

    Route route(int picture) {
      int[] considered = candidates(picture);
      if (considered.length == 0) {
        return new Route(considered, new double[0], 0);
      }
      double[] densities = new double[considered.length];
      for (int i = 0; i < densities.length; i++) {
        densities[i] = opinion(considered[i], picture).logDensity();
      }
      TaskPosterior posterior = TaskPosterior.of(densities);
      int members = parts.second() ? posterior.tasks().length : 1;
      int[] tasks = new int[members];
      Arrays.setAll(tasks, i -> considered[posterior.tasks()[i]]);
      double[] shares = parts.second() ? posterior.probabilities() : new double[] {1};
      double z = domain(tasks[0]).z(logGaussian(tasks[0], picture));
      double gate = open == null ? 1 : DomainGate.gate(z, owners.allLearnt());
      return new Route(tasks, shares, gate);
    }

    /** The few tasks of highest Gaussian. */
    private int[] candidates(int picture) {
      List<Integer> best =
          IntStream.range(0, learnt.size())
              .filter(owners::considers)
              .boxed()
              .sorted(Comparator.comparingDouble(t -> -logGaussian(t, picture)))
              .limit(TaskPosterior.MAX_CANDIDATES)
              .toList();
      return best.stream()
          .mapToInt(t -> t)
          .filter(
              t ->
                  logGaussian(t, picture)
                      >= logGaussian(best.get(0), picture) - TaskPosterior.CANDIDATE_MARGIN)
          .toArray();
    }

    private DiscriminantHead.Opinion opinion(int t, int picture) {
      return full.opinion(task, learnt.get(t), picture);
    }

    private TaskGaussian domain(int t) {
      return learnt.get(t).domain();
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
      return new UnionScoring(parts.unlearnt() ? parts.bias() : Double.NEGATIVE_INFINITY)
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
      int[] unlearnt = owners.unlearnt();
      double[] logits = new double[unlearnt.length];
      if (open == null || unlearnt.length == 0) {
        return logits;
      }
      float[] all = score(open, branch, own).logits();
      for (int o = 0, u = 0; u < unlearnt.length; o++) {
        if (placeOfOpen[o] == unlearnt[u]) {
          logits[u++] = all[o];
        }
      }
      return logits;
    }

    private LabelFeatures.Scores score(
        LabelSet set, @Nullable TrainedBranch branch, float[] features) {
      return full.texts(set, branch).score(features, 0, bench.model().logitScale());
    }
  }

  @Override
  public void close() {}
}
