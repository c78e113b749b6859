package dev.perennial.server.eval.method;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.device.GridSegment;
import dev.perennial.server.device.LabelFeatures;
import dev.perennial.server.eval.Answers.Guess;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.task.Prefixes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The answers of pictures that have a branch and a weight each, as a server finds them: both towers
 * with the branch and weight, label texts interpolated over the grid of weights, no second pass
 * where the weight is negligible. An answer depends on picture, branch and weight alone; it is
 * computed once, for all methods and all stages of the protocol. Of the bench's thread.
 */
final class BranchScorer {
  private static final long MAX_TEXT_BYTES = 256L << 20;

  private record Asked(LabelSet labels, int task, @Nullable TrainedBranch branch) {}

  private record TextKey(LabelSet labels, @Nullable TrainedBranch branch, int low, int high) {}

  private final Bench bench;
  private final FrozenFeatures frozen;

  /** Per question, test set and branch: (picture, weight's bits) to answer. */
  private final Map<Asked, Map<Long, Guess>> known = new HashMap<>();

  private final Cache<TextKey, LabelFeatures> texts =
      Caffeine.newBuilder()
          .maximumWeight(MAX_TEXT_BYTES >> 10)
          .weigher((TextKey key, LabelFeatures value) -> weight(key))
          .build();

  BranchScorer(Bench bench) {
    this.bench = bench;
    this.frozen = bench.shared(FrozenFeatures.class, FrozenFeatures::new);
  }

  /**
   * The answers to a task's test pictures.
   *
   * @param branches per picture; any, also null, where the weight is negligible
   * @param weights per picture w in [0, 1]
   */
  Guess[] answers(
      EvalTask task, LabelSet labels, @Nullable TrainedBranch[] branches, float[] weights) {
    Guess[] answers = new Guess[weights.length];
    List<Integer> open = new ArrayList<>();
    for (int i = 0; i < answers.length; i++) {
      boolean negligible = weights[i] <= GridSegment.NEGLIGIBLE_GATE_WEIGHT;
      TrainedBranch branch = negligible ? null : branches[i];
      Guess answer = known(task, labels, branch).get(place(i, negligible ? 0 : weights[i]));
      if (answer != null) {
        answers[i] = answer;
      } else if (branch == null) {
        answers[i] = frozenAnswer(task, labels, i);
      } else {
        open.add(i);
      }
    }
    for (int from = 0; from < open.size(); from += FrozenFeatures.MAX_BATCH) {
      int to = Math.min(from + FrozenFeatures.MAX_BATCH, open.size());
      adaptedAnswers(task, labels, branches, weights, open.subList(from, to), answers);
    }
    return answers;
  }

  private Map<Long, Guess> known(EvalTask task, LabelSet labels, @Nullable TrainedBranch branch) {
    return known.computeIfAbsent(
        new Asked(labels, task.place(), branch), absent -> new HashMap<>());
  }

  private static long place(int picture, float weight) {
    return ((long) picture << 32) | Float.floatToIntBits(weight);
  }

  private Guess frozenAnswer(EvalTask task, LabelSet labels, int picture) {
    float[] features = frozen.ofTests(task);
    int embedDim = bench.model().config().embedDim();
    float[] own = Arrays.copyOfRange(features, picture * embedDim, (picture + 1) * embedDim);
    Guess answer = best(labels, null, own, 0);
    known(task, labels, null).put(place(picture, 0), answer);
    return answer;
  }

  private void adaptedAnswers(
      EvalTask task,
      LabelSet labels,
      @Nullable TrainedBranch[] branches,
      float[] weights,
      List<Integer> pictures,
      Guess[] answers) {
    ClipModel model = bench.model();
    List<TrainedBranch> slots = new ArrayList<>();
    List<float[]> pixels = new ArrayList<>();
    int[] rowSlots = new int[pictures.size()];
    float[] rowWeights = new float[pictures.size()];
    for (int r = 0; r < rowSlots.length; r++) {
      int picture = pictures.get(r);
      TrainedBranch branch = branches[picture];
      if (branch == null) {
        throw new IllegalArgumentException("branch: none (expected: one, w " + weights[picture]);
      }
      if (!slots.contains(branch)) {
        slots.add(branch);
      }
      rowSlots[r] = slots.indexOf(branch);
      rowWeights[r] = weights[picture];
      pixels.add(task.test().pixels(picture));
    }
    float[] features;
    try (PrefixBank bank = model.bank(prefixes(slots))) {
      features = model.imageFeatures(pixels, bank, rowSlots, rowWeights);
    }
    int embedDim = model.config().embedDim();
    for (int r = 0; r < rowSlots.length; r++) {
      float[] own = Arrays.copyOfRange(features, r * embedDim, (r + 1) * embedDim);
      TrainedBranch branch = slots.get(rowSlots[r]);
      Guess answer = best(labels, branch, own, rowWeights[r]);
      answers[pictures.get(r)] = answer;
      known(task, labels, branch).put(place(pictures.get(r), rowWeights[r]), answer);
    }
  }

  private static List<Prefixes> prefixes(List<TrainedBranch> branches) {
    return branches.stream().map(branch -> branch.version().prefixes()).toList();
  }

  /** The most probable label. */
  private Guess best(
      LabelSet labels, @Nullable TrainedBranch branch, float[] features, float weight) {
    GridSegment segment = GridSegment.of(weight);
    TextKey key = new TextKey(labels, branch, segment.low(), segment.high());
    LabelFeatures known = texts.get(key, this::labelFeatures);
    return Guess.best(
        known.score(features, segment.share(), bench.model().logitScale()).probabilities());
  }

  private int weight(TextKey key) {
    int embedDim = bench.model().config().embedDim();
    long bytes = LabelFeatures.bytes(key.labels(), embedDim, key.low() == key.high());
    return Math.toIntExact((bytes >> 10) + 1);
  }

  private LabelFeatures labelFeatures(TextKey key) {
    float[] low = columns(key.labels(), key.branch(), GridSegment.gateWeight(key.low()));
    float[] high =
        key.low() == key.high()
            ? null
            : columns(key.labels(), key.branch(), GridSegment.gateWeight(key.high()));
    return new LabelFeatures(key.labels(), bench.model().config().embedDim(), low, high);
  }

  /** (E, P): text features of all prompts with one branch at one weight, or frozen. */
  private float[] columns(LabelSet labels, @Nullable TrainedBranch branch, float weight) {
    ClipModel model = bench.model();
    List<Prefixes> one = branch == null ? List.of() : List.of(branch.version().prefixes());
    try (PrefixBank bank = model.bank(one)) {
      return Towers.columns(
          labels,
          tokens -> {
            float[] weights = new float[tokens.size()];
            Arrays.fill(weights, branch == null ? 0 : weight);
            return model.textFeatures(tokens, bank, new int[tokens.size()], weights);
          });
    }
  }

  /** The texts of a label set with one branch at exactly this weight, or frozen; not kept. */
  LabelFeatures exactly(LabelSet labels, @Nullable TrainedBranch branch, float weight) {
    int embedDim = bench.model().config().embedDim();
    return new LabelFeatures(labels, embedDim, columns(labels, branch, weight), null);
  }

  /** The same branch or none for all pictures of a set. */
  static @Nullable TrainedBranch[] same(@Nullable TrainedBranch branch, int pictures) {
    return Collections.nCopies(pictures, branch).toArray(new TrainedBranch[0]);
  }
}
