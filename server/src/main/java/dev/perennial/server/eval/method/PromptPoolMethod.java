package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.PromptedClip;
import dev.perennial.server.clip.Prompts;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Answers.Guess;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.training.TrainingOptions;
import dev.perennial.server.training.TrainingSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A pool of prompts, one set for each task, in the sequences of both towers ({@link PromptedClip}):
 * L2P (Wang et al., CVPR 2022, arXiv 2112.08654, section 4) with one set and one key a task, as
 * S-liPrompts (Wang et al., NeurIPS 2022, arXiv 2207.12819) has it. The query is the frozen image
 * feature; the set of the nearest key answers, for image and texts ({@link TaskKeys}). Before
 * anything is learnt the frozen model answers.
 *
 * <p>Differs: length and depth are those of a branch, so that methods have as many learned tokens;
 * with {@code depth=1} it is L2P's form.
 */
final class PromptPoolMethod implements Method {
  /** L2P's. */
  private static final double LEARNING_RATE = 0.03;

  /** The best of those tried on the tiny model; see docs/measurements.md. */
  private static final double SMALL_LEARNING_RATE = 0.003;

  /** Keys of a task: S-Prompts' number of centroids. */
  private static final int KEYS = 5;

  static final MethodKind KIND =
      new MethodKind(
          "prompt-pool",
          "L2P, CVPR 2022, arXiv 2112.08654; S-Prompts, NeurIPS 2022, arXiv 2207.12819",
          "prompt-pool",
          (options, model) -> {
            TrainingSpec branch =
                TrainingSpec.resolve("task", List.of(), "", "eval", TrainingOptions.DEFAULT, model);
            double rate = TrainingSpec.isNarrow(model) ? SMALL_LEARNING_RATE : LEARNING_RATE;
            TrainingSettings settings = TrainingSettings.parse(options, model, rate);
            int depth = options.count("depth", branch.shape().depth());
            int length = options.count("length", branch.shape().length());
            int keys = options.count("keys", KEYS);
            PrefixShape shape = new PrefixShape(depth, length);
            return bench -> new PromptPoolMethod(bench, settings, shape, keys);
          });

  private final Bench bench;
  private final TrainingSettings settings;
  private final PrefixShape shape;
  private final int keysPerTask;
  private final List<Prompts> learnt = new ArrayList<>();
  private final List<TaskKeys> keys = new ArrayList<>();

  private PromptPoolMethod(
      Bench bench, TrainingSettings settings, PrefixShape shape, int keysPerTask) {
    this.bench = bench;
    this.settings = settings;
    this.shape = shape;
    this.keysPerTask = keysPerTask;
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    long start = System.nanoTime();
    TaskTraining plan = new TaskTraining(bench, settings, task, progress);
    List<int[]> tokens = plan.classTokens();
    Prompts[] best = new Prompts[1];
    try (PromptedClip prompted = PromptedClip.start(bench.model(), shape, bench.seed())) {
      plan.runAndChoose(
          (batch, rate) -> prompted.step(batch.pixels(), batch.classes(), tokens, rate).loss(),
          towers(prompted),
          () -> best[0] = prompted.prompts());
    }
    learnt.add(best[0]);
    float[] features =
        bench.shared(FrozenFeatures.class, FrozenFeatures::new).features(task.train());
    int embedDim = bench.model().config().embedDim();
    keys.add(TaskKeys.of(features, embedDim, keysPerTask, bench.seed()));
    return plan.learned(best[0].parameterCount(), start);
  }

  private Towers towers(PromptedClip prompted) {
    return new Towers(prompted::imageFeatures, prompted::textFeatures, bench.model().logitScale());
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    int count = task.test().size();
    int[] chosen = new int[count];
    Guess[] answers = new Guess[count];
    if (learnt.isEmpty()) {
      Arrays.fill(chosen, -1);
      answer(task, labels, chosen, -1, answers);
    } else {
      choose(task, chosen);
      for (int t = 0; t < learnt.size(); t++) {
        answer(task, labels, chosen, t, answers);
      }
    }
    return Answers.of(answers, chosen, null);
  }

  /** Answers the pictures that chose this task. */
  private void answer(EvalTask task, LabelSpace labels, int[] chosen, int which, Guess[] answers) {
    int[] places = IntStream.range(0, chosen.length).filter(i -> chosen[i] == which).toArray();
    if (places.length == 0) {
      return;
    }
    ClipModel model = bench.model();
    Prompts prompts = which < 0 ? Prompts.NONE : learnt.get(which);
    try (PromptedClip prompted = PromptedClip.of(model, prompts)) {
      Guess[] own = towers(prompted).answers(task.test(), places, labels.labels());
      for (int i = 0; i < places.length; i++) {
        answers[places[i]] = own[i];
      }
    }
  }

  private void choose(EvalTask task, int[] chosen) {
    float[] queries = bench.shared(FrozenFeatures.class, FrozenFeatures::new).ofTests(task);
    int embedDim = bench.model().config().embedDim();
    for (int i = 0; i < chosen.length; i++) {
      double highest = Double.NEGATIVE_INFINITY;
      for (int t = 0; t < keys.size(); t++) {
        double similarity = keys.get(t).similarity(queries, i * embedDim);
        if (similarity > highest) {
          highest = similarity;
          chosen[i] = t;
        }
      }
    }
  }

  @Override
  public void close() {}
}
