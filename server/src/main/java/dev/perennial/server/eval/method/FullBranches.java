package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.device.LabelFeatures;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.gaussian.DiscriminantHead;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What union scoring asks of branches at w = 1 and of their heads: features of test pictures,
 * texts, densities; each computed once for all methods and stages. Of the bench's thread.
 */
final class FullBranches {
  private record Pair(int task, TrainedBranch branch) {}

  private record TextKey(LabelSet labels, @Nullable TrainedBranch branch) {}

  private record Part(LabelSet labels, Set<String> names) {}

  private final Bench bench;
  private final FrozenFeatures frozen;
  private final BranchScorer scorer;
  private final Map<Pair, Map<Integer, float[]>> features = new HashMap<>();
  private final Map<Pair, DiscriminantHead.Opinion[]> opinions = new HashMap<>();
  private final Map<Pair, double[]> logGaussians = new HashMap<>();
  private final Map<TextKey, LabelFeatures> texts = new HashMap<>();
  private final Map<TrainedBranch, LabelSet> classes = new HashMap<>();
  private final Map<Part, LabelSet> parts = new HashMap<>();

  FullBranches(Bench bench) {
    this.bench = bench;
    this.frozen = bench.shared(FrozenFeatures.class, FrozenFeatures::new);
    this.scorer = bench.shared(BranchScorer.class, BranchScorer::new);
  }

  /** Makes the features of some of a task's test pictures, where they are not there yet. */
  void run(EvalTask task, TrainedBranch branch, List<Integer> pictures) {
    Map<Integer, float[]> known =
        features.computeIfAbsent(new Pair(task.place(), branch), pair -> new HashMap<>());
    List<Integer> open = pictures.stream().filter(i -> !known.containsKey(i)).toList();
    ClipModel model = bench.model();
    int embedDim = model.config().embedDim();
    try (PrefixBank bank = model.bank(List.of(branch.version().prefixes()))) {
      for (int from = 0; from < open.size(); from += FrozenFeatures.MAX_BATCH) {
        int to = Math.min(from + FrozenFeatures.MAX_BATCH, open.size());
        List<float[]> pixels =
            open.subList(from, to).stream().map(i -> task.test().pixels(i)).toList();
        float[] weights = new float[to - from];
        Arrays.fill(weights, 1);
        float[] rows = model.imageFeatures(pixels, bank, new int[to - from], weights);
        for (int r = from; r < to; r++) {
          known.put(
              open.get(r),
              Arrays.copyOfRange(rows, (r - from) * embedDim, (r - from + 1) * embedDim));
        }
      }
    }
  }

  /** Features that {@link #run} has made. */
  float[] features(EvalTask task, TrainedBranch branch, int picture) {
    Map<Integer, float[]> known = features.get(new Pair(task.place(), branch));
    float[] own = known == null ? null : known.get(picture);
    if (own == null) {
      throw new IllegalStateException("features of picture " + picture + ": none (expected: run)");
    }
    return own;
  }

  /** What the branch's head says of a test picture. */
  DiscriminantHead.Opinion opinion(EvalTask task, TrainedBranch branch, int picture) {
    return opinions
        .computeIfAbsent(
            new Pair(task.place(), branch),
            pair -> {
              float[] rows = frozen.ofTests(task);
              DiscriminantHead head = branch.head();
              DiscriminantHead.Opinion[] all = new DiscriminantHead.Opinion[task.test().size()];
              Arrays.setAll(all, i -> head.opinion(rows, i * head.dimension()));
              return all;
            })[picture];
  }

  /** The log-density of a test picture under the branch's robust Gaussian. */
  double logGaussian(EvalTask task, TrainedBranch branch, int picture) {
    return logGaussians
        .computeIfAbsent(
            new Pair(task.place(), branch),
            pair -> branch.domain().logDensities(frozen.ofTests(task), 0, task.test().size()))[
        picture];
  }

  /** The branch's classes in its template. */
  LabelSet classes(TrainedBranch branch) {
    return classes.computeIfAbsent(
        branch,
        of ->
            LabelSet.of(
                of.version().classNames(),
                of.version().template(),
                bench.engine().directory().tokenizer()));
  }

  /** Some of a set's labels. */
  LabelSet only(LabelSet labels, Set<String> names) {
    return parts.computeIfAbsent(new Part(labels, names), part -> labels.only(names::contains));
  }

  /** The texts of a set with a branch at w = 1, or frozen. */
  LabelFeatures texts(LabelSet labels, @Nullable TrainedBranch branch) {
    return texts.computeIfAbsent(
        new TextKey(labels, branch), key -> scorer.exactly(labels, branch, branch == null ? 0 : 1));
  }
}
