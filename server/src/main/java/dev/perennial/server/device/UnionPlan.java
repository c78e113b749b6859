package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.scoring.UnionScoring;
import dev.perennial.server.task.ActiveTask;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The answer over learnt and unlearnt labels at once ({@link UnionScoring}): the branches of the
 * tasks that the image may belong to at w = 1, each compared with its own classes in its own
 * template and with the labels that no task knows; the frozen network where the image may be of no
 * learnt domain. Where the gate is shut the answer is the zero-shot one, to the bit.
 */
final class UnionPlan implements AnswerPlan {
  /** The logit of a label that is ruled out. */
  static final float LOWEST_LOGIT = -1000;

  private final ServedPool pool;
  private final Question question;
  private final UnionScoring scoring;
  private final @Nullable UnionRoute route;
  private final List<LabelSet> classes;
  private final double gate;
  private final List<UnionRoute.Member> members;
  private final List<Branch> branches;

  UnionPlan(
      ServedPool pool,
      KnownLabels knownLabels,
      Question question,
      UnionScoring scoring,
      @Nullable UnionRoute route) {
    this.pool = pool;
    this.question = question;
    this.scoring = scoring;
    this.route = route;
    if (route == null) {
      this.gate = 0;
    } else if (question.open() == null) {
      this.gate = 1;
    } else {
      this.gate = route.gate(question.owners().allLearnt());
    }
    this.members = route == null || gate == 0 ? List.of() : route.members();
    this.classes = members.stream().map(member -> knownLabels.ofTask(task(member))).toList();
    this.branches =
        members.stream().map(member -> new Branch(task(member).versionId(), 1)).toList();
  }

  private ActiveTask task(UnionRoute.Member member) {
    return pool.snapshot().tasks().get(member.slot());
  }

  @Override
  public List<Branch> branches() {
    return branches;
  }

  @Override
  public List<Texts> texts() {
    List<Texts> texts = new ArrayList<>();
    LabelSet open = question.open();
    if (gate < 1 && open != null) {
      texts.add(new Texts(open, Branch.FROZEN));
    }
    for (int i = 0; i < members.size(); i++) {
      if (question.owners().knows(members.get(i).slot())) {
        texts.add(new Texts(classes.get(i), branches.get(i)));
      }
      if (open != null && !question.owners().allLearnt()) {
        texts.add(new Texts(open, branches.get(i)));
      }
    }
    return texts;
  }

  @Override
  public Classification answer(
      Map<Branch, float[]> features, Map<Texts, LabelFeatures> texts, float logitScale) {
    Scorer scorer = new Scorer(features, texts, logitScale);
    int labels = question.labels().labels().size();
    if (members.isEmpty()) {
      return zeroShot(scorer, labels);
    }
    double[] zeroShot = new double[labels];
    LabelSet open = question.open();
    if (gate < 1 && open != null) {
      float[] probabilities = scorer.score(open, Branch.FROZEN).probabilities();
      for (int o = 0; o < probabilities.length; o++) {
        zeroShot[question.placeOfOpen()[o]] = probabilities[o];
      }
    }
    List<UnionScoring.TaskView> views = new ArrayList<>();
    for (int i = 0; i < members.size(); i++) {
      views.add(view(i, scorer));
    }
    UnionScoring.Answer answer =
        scoring.answer(question.owners().unlearnt(), gate, zeroShot, views);
    float[] probabilities = new float[labels];
    float[] logits = new float[labels];
    for (int k = 0; k < labels; k++) {
      probabilities[k] = (float) answer.probabilities()[k];
      logits[k] = Math.max(LOWEST_LOGIT, (float) Math.log(answer.probabilities()[k]));
    }
    return classification(probabilities, logits, answer.known());
  }

  /** As a server without tasks answers, to the bit; labels that are ruled out beside it. */
  private Classification zeroShot(Scorer scorer, int labels) {
    LabelFeatures.Scores scores =
        scorer.score(Objects.requireNonNull(question.open()), Branch.FROZEN);
    float[] probabilities = new float[labels];
    float[] logits = new float[labels];
    Arrays.fill(logits, LOWEST_LOGIT);
    for (int o = 0; o < scores.logits().length; o++) {
      probabilities[question.placeOfOpen()[o]] = scores.probabilities()[o];
      logits[question.placeOfOpen()[o]] = scores.logits()[o];
    }
    return classification(probabilities, logits, new double[0]);
  }

  /** Scores one image against the texts at hand. */
  private record Scorer(
      Map<Branch, float[]> features, Map<Texts, LabelFeatures> texts, float logitScale) {
    LabelFeatures.Scores score(LabelSet labels, Branch branch) {
      return Objects.requireNonNull(texts.get(new Texts(labels, branch)))
          .score(Objects.requireNonNull(features.get(branch)), 0, logitScale);
    }
  }

  private UnionScoring.TaskView view(int place, Scorer scorer) {
    UnionRoute.Member member = members.get(place);
    LabelOwners owners = question.owners();
    Branch branch = branches.get(place);
    double tau = task(member).head().constants().tau();
    boolean knows = owners.knows(member.slot());
    return new UnionScoring.TaskView(
        member.posterior(),
        tau * (member.opinion().logDensity() - member.logGaussian()),
        knows ? scorer.score(classes.get(place), branch).logits() : new float[0],
        member.opinion().logProbabilities(),
        owners.placeOfClass(member.slot()),
        unlearntLogits(branch, scorer));
  }

  private double[] unlearntLogits(Branch branch, Scorer scorer) {
    LabelSet open = question.open();
    if (open == null || question.owners().allLearnt()) {
      return new double[0];
    }
    return question
        .owners()
        .ofUnlearnt(question.placeOfOpen(), scorer.score(open, branch).logits());
  }

  private Classification classification(float[] probabilities, float[] logits, double[] known) {
    return new Classification(
        question.labels(), probabilities, logits, routing(), union(known), pool.epoch());
  }

  private Classification.@Nullable Routing routing() {
    if (route == null) {
      return null;
    }
    UnionRoute.Member first = route.members().get(0);
    ActiveTask task = task(first);
    return new Classification.Routing(
        task.name(), task.versionId(), (float) gate, first.logGaussian(), route.z());
  }

  private Classification.@Nullable Union union(double[] known) {
    if (route == null) {
      return null;
    }
    List<Classification.TaskShare> shares = new ArrayList<>();
    for (int i = 0; i < members.size(); i++) {
      ActiveTask task = task(members.get(i));
      shares.add(
          new Classification.TaskShare(
              task.name(), task.versionId(), members.get(i).posterior(), known[i]));
    }
    return new Classification.Union(gate, route.none(), shares);
  }
}
