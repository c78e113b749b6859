package dev.perennial.server.eval.method;

import dev.perennial.client.Classification;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.Task;
import dev.perennial.client.TrainingJob;
import dev.perennial.client.TrainingListener;
import dev.perennial.client.TrainingOptions;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.PrefixTraining.ValueStart;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.Answers;
import dev.perennial.server.eval.Answers.Guess;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.Method;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.eval.TaughtServer;
import dev.perennial.server.gaussian.GateKind;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * The server itself as a method: learns through {@code Train}, answers through {@code Classify}.
 * Its answers are those of {@link ResidualMethod} and {@link UnionMethod} with the same options.
 * The server must not know the tasks; they are unlearnt at the end. A question carries labels and
 * no hint of the domain. For DIKI's scoring the texts of the label space are sent as labels of
 * their own, in the template "{}", and the probabilities of a label's texts are added here.
 */
final class ServedMethod implements Method {
  /** One server learns for one method at a time. */
  private static final String FAMILY = "served";

  private static final String TEXT_AS_IT_IS = "{}";

  private final Bench bench;
  private final TaughtServer server;
  private final Labels.Scoring scoring;
  private final List<String> learnt = new ArrayList<>();

  private ServedMethod(Bench bench, TaughtServer server, Labels.Scoring scoring) {
    this.scoring = scoring;
    this.bench = bench;
    this.server = server;
    server.requireUnknown(bench.tasks().stream().map(EvalTask::name).toList());
  }

  /** The kinds that a server can be: {@code diki} and {@code diki-paper}. */
  static List<MethodKind> kinds(PerennialClient client) {
    return List.of(
        kind(
            client,
            "diki-paper",
            "DIKI, gate of the article, served",
            GateKind.PAPER,
            Labels.Scoring.DIKI),
        kind(client, "diki", "DIKI, our gate, served", GateKind.ROBUST, Labels.Scoring.DIKI),
        kind(
            client,
            "perennial",
            "DIKI's branches, heads and union scoring, served",
            GateKind.ROBUST,
            Labels.Scoring.UNION));
  }

  private static MethodKind kind(
      PerennialClient client, String name, String source, GateKind gate, Labels.Scoring scoring) {
    return new MethodKind(
        name,
        source,
        FAMILY,
        (options, model) -> {
          BranchSettings settings = BranchSettings.parse(options, model);
          if (settings.values() != ValueStart.ZERO) {
            throw ServingException.invalid(
                "METHOD_OPTION", "methods", name + ": values=random (expected: zero, on a server)");
          }
          return bench ->
              new ServedMethod(
                  bench, new TaughtServer(client, options(settings, gate, bench.seed())), scoring);
        });
  }

  private static TrainingOptions options(BranchSettings settings, GateKind gate, long seed) {
    TrainingOptions options =
        TrainingOptions.DEFAULTS
            .recipe(TrainingOptions.Recipe.valueOf(settings.recipe().name()))
            .gate(TrainingOptions.Gate.valueOf(gate.name()))
            .seed(seed)
            .depth(settings.depth())
            .prefixLength(settings.prefixLength())
            .batchSize(settings.batchSize())
            .learningRate(settings.learningRate())
            .validationShare(settings.validationShare());
    Integer epochs = settings.epochs();
    return epochs == null ? options : options.epochs(epochs);
  }

  @Override
  public Learned learn(EvalTask task, Progress progress) {
    long start = System.nanoTime();
    Follower follower = new Follower(progress);
    server.teach(task.name(), task.data(), follower);
    learnt.add(task.name());
    Duration time = Duration.ofNanos(System.nanoTime() - start);
    Task known = server.task(task.name());
    Task.Version version = known.versions().get(0);
    requireOwnModel(version.backboneFingerprint());
    return new Learned(
        version.parameters(), Math.round((double) follower.epochs * task.train().size()), time);
  }

  /** Label spaces are made with the bench's tokenizer, and the report names its model. */
  private void requireOwnModel(String fingerprint) {
    String own = bench.engine().directory().fingerprint();
    if (!own.equals(fingerprint)) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "OTHER_MODEL",
          "the server's model: %s (expected: %s, that of --model)".formatted(fingerprint, own));
    }
  }

  /** Passes a job's progress on. */
  private static final class Follower implements TrainingListener {
    private final Progress progress;
    private int epochs;

    Follower(Progress progress) {
      this.progress = progress;
    }

    @Override
    public void changed(TrainingJob job) {
      TrainingJob.Progress now = job.progress();
      if (now != null && now.steps() > 0) {
        epochs = now.epochs();
        progress.at(
            (double) now.step() / now.steps(),
            String.format(
                Locale.ROOT, "loss %.2f, %.0f images/s", now.loss(), now.imagesPerSecond()));
      }
    }
  }

  @Override
  public Answers answer(EvalTask task, LabelSpace labels) {
    return scoring == Labels.Scoring.UNION ? byName(task, labels) : byText(task, labels);
  }

  /** The texts as labels of their own: DIKI's scoring knows no names. */
  private Answers byText(EvalTask task, LabelSpace labels) {
    Map<String, List<Integer>> labelsOf = new HashMap<>();
    List<String> texts = new ArrayList<>();
    for (LabelSet.Prompt prompt : labels.labels().prompts()) {
      List<Integer> places = labelsOf.get(prompt.text());
      if (places == null) {
        places = new ArrayList<>();
        labelsOf.put(prompt.text(), places);
        texts.add(prompt.text());
      }
      places.add(prompt.label());
    }
    Labels asked = Labels.of(texts).template(TEXT_AS_IT_IS).scoring(scoring);
    return answers(server.classify(task.data().test(), asked), labelsOf, labels);
  }

  /** The task's list, or everything known with the other tasks' classes beside it. */
  private Answers byName(EvalTask task, LabelSpace labels) {
    Map<String, List<Integer>> labelsOf = new HashMap<>();
    List<String> names = labels.labels().labels();
    for (int place = 0; place < names.size(); place++) {
      labelsOf.put(names.get(place), List.of(place));
    }
    Labels asked = Labels.of(names).template(task.template());
    if (labels.kind() != LabelSpace.Kind.TASK) {
      asked = Labels.allKnown();
      for (EvalTask other : bench.tasks()) {
        if (labels.kind() == LabelSpace.Kind.UNION && !learnt.contains(other.name())) {
          asked = asked.extra(other.classNames(), other.template());
        }
      }
    }
    return answers(server.classify(task.data().test(), asked.scoring(scoring)), labelsOf, labels);
  }

  private Answers answers(
      List<Classification> classified, Map<String, List<Integer>> labelsOf, LabelSpace labels) {
    Guess[] answers = new Guess[classified.size()];
    int[] tasks = new int[answers.length];
    float[] weights = new float[answers.length];
    for (int i = 0; i < answers.length; i++) {
      answers[i] = guess(classified.get(i), labelsOf, labels);
      Classification.Routing routing = classified.get(i).routing();
      tasks[i] = routing == null ? -1 : place(routing.task());
      weights[i] = routing == null ? 0 : routing.gateWeight();
    }
    return Answers.of(answers, tasks, weights);
  }

  private static Guess guess(
      Classification answer, Map<String, List<Integer>> labelsOf, LabelSpace labels) {
    float[] probabilities = new float[labels.labels().labels().size()];
    for (Classification.LabelScore score : answer.scores()) {
      for (int label : labelsOf.getOrDefault(score.label(), List.of())) {
        probabilities[label] += score.probability();
      }
    }
    Guess best = Guess.best(probabilities);
    Classification.Evidence evidence = answer.evidence();
    return labels.kind() == LabelSpace.Kind.KNOWN && evidence != null
        ? new Guess(best.label(), (float) (best.confidence() * (1 - evidence.none())))
        : best;
  }

  /** The place of a task that this method taught; -1 for another's. */
  private int place(String name) {
    for (EvalTask task : bench.tasks()) {
      if (task.name().equals(name)) {
        return task.place();
      }
    }
    return -1;
  }

  @Override
  public void close() {
    learnt.forEach(server::forget);
    learnt.clear();
  }
}
