package dev.perennial.server.eval;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.eval.data.TaskData;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/**
 * Runs a plan: each method family with each seed is one piece of work on a bench of its own;
 * workers, one thread each, take one piece after the other. What a state holds already is not done
 * again. No result depends on the number of workers.
 */
public final class Evaluation {
  /** Hears how far an evaluation is; called by its workers, one at a time. */
  public interface Listener {
    /**
     * It begins, or goes on.
     *
     * @param stages rounds of tests in all
     * @param done of these, what the state held
     */
    void started(int stages, int done);

    /** A task is being learnt. */
    void learning(EvalRow row, long seed, EvalTask task, double share, String figures);

    /** One more stage is done. */
    void tested(EvalRow row, long seed, int learnt, double[] accuracies);
  }

  private record Work(String family, long seed) {}

  private record RunKey(EvalRow row, long seed) {}

  private final EvalPlan plan;
  private final RunState state;
  private final Listener listener;
  private final long pixelBytes;
  private final int workers;

  @GuardedBy("this")
  private final Deque<Work> waiting = new ArrayDeque<>();

  @GuardedBy("this")
  private final Map<RunKey, MethodRun> runs = new HashMap<>();

  @GuardedBy("this")
  private @Nullable Throwable failure;

  private Evaluation(
      EvalPlan plan, RunState state, int workers, long pixelBytes, Listener listener) {
    this.plan = plan;
    this.state = state;
    this.listener = listener;
    this.pixelBytes = pixelBytes / workers;
    this.workers = workers;
  }

  /**
   * Runs it all. Blocks; the first failure ends it.
   *
   * @param workers threads, each with its own model
   * @param pixelBytes of decoded pictures that all workers together may keep
   */
  public static EvalResult run(
      EvalPlan plan, RunState state, int workers, long pixelBytes, Listener listener) {
    return new Evaluation(plan, state, workers, pixelBytes, listener).run();
  }

  private EvalResult run() {
    prepare();
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < workers; i++) {
      Thread thread = new Thread(this::work, "eval-" + i);
      thread.setDaemon(true);
      threads.add(thread);
      thread.start();
    }
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      fail(e);
      Thread.currentThread().interrupt();
    }
    return result();
  }

  private synchronized void prepare() {
    Map<Work, Boolean> work = new LinkedHashMap<>();
    int stages = 0;
    int done = 0;
    int stagesEach = plan.order().size() + 1;
    for (EvalRow row : plan.rows()) {
      for (long seed : row.seedsOf(plan.seeds())) {
        stages += stagesEach;
        Optional<MethodRun> kept = load(row, seed);
        kept.ifPresent(run -> runs.put(new RunKey(row, seed), run));
        done += kept.isPresent() ? stagesEach : 0;
        work.merge(new Work(row.kind().family(), seed), kept.isEmpty(), Boolean::logicalOr);
      }
    }
    // From the end: what is named last, full fine-tuning as a rule, takes longest.
    work.forEach(
        (piece, open) -> {
          if (open) {
            waiting.addFirst(piece);
          }
        });
    listener.started(stages, done);
  }

  private void work() {
    for (Work next = take(); next != null; next = take()) {
      try {
        run(next);
      } catch (RuntimeException | Error e) {
        fail(e);
      }
    }
  }

  private synchronized @Nullable Work take() {
    return failure == null ? waiting.poll() : null;
  }

  private synchronized void fail(Throwable cause) {
    if (failure == null) {
      failure = cause;
    }
  }

  private synchronized void checkGoesOn() {
    if (failure != null) {
      throw new CancellationException("another part of the evaluation failed");
    }
  }

  private void run(Work work) {
    List<TaskData> tasks = plan.tasks(work.seed());
    try (Bench bench =
        new Bench(plan.engine(), work.seed(), tasks, plan.labels(), pixelBytes, state)) {
      for (EvalRow row : plan.rows()) {
        if (row.kind().family().equals(work.family())
            && row.seedsOf(plan.seeds()).contains(work.seed())
            && isOpen(row, work.seed())) {
          run(row, bench);
        }
      }
    }
  }

  private synchronized boolean isOpen(EvalRow row, long seed) {
    return !runs.containsKey(new RunKey(row, seed));
  }

  private void run(EvalRow row, Bench bench) {
    MethodRun run;
    try (Method method = row.opener().open(bench)) {
      run = Protocol.run(method, bench, new Told(row, bench.seed()));
    }
    state.write(
        fileName(row, bench.seed()),
        RunJson.write(run).toString().getBytes(StandardCharsets.UTF_8));
    synchronized (this) {
      runs.put(new RunKey(row, bench.seed()), run);
    }
  }

  /** Passes progress on, and ends the run where another has failed. */
  private final class Told implements Protocol.Progress {
    private final EvalRow row;
    private final long seed;

    Told(EvalRow row, long seed) {
      this.row = row;
      this.seed = seed;
    }

    @Override
    public void learning(EvalTask task, double share, String figures) {
      synchronized (Evaluation.this) {
        checkGoesOn();
        listener.learning(row, seed, task, share, figures);
      }
    }

    @Override
    public void tested(int learnt, double[] accuracies) {
      synchronized (Evaluation.this) {
        checkGoesOn();
        listener.tested(row, seed, learnt, accuracies);
      }
    }
  }

  private Optional<MethodRun> load(EvalRow row, long seed) {
    return state
        .read(fileName(row, seed))
        .flatMap(bytes -> RunJson.read(new String(bytes, StandardCharsets.UTF_8)))
        .filter(run -> run.matrix().tasks() == plan.order().size());
  }

  /** The same method with the same options is the same row, however it was written. */
  private static String fileName(EvalRow row, long seed) {
    return RunState.fileName(
        "run", row.kind().name() + " " + new TreeMap<>(row.options()) + " " + seed, "json");
  }

  private synchronized EvalResult result() {
    if (failure instanceof RuntimeException known) {
      throw known;
    } else if (failure instanceof Error error) {
      throw error;
    } else if (failure != null) {
      throw new CancellationException("evaluation: interrupted");
    }
    Map<EvalRow, List<MethodRun>> ordered = new LinkedHashMap<>();
    for (EvalRow row : plan.rows()) {
      List<MethodRun> own = new ArrayList<>();
      for (long seed : row.seedsOf(plan.seeds())) {
        own.add(runs.get(new RunKey(row, seed)));
      }
      ordered.put(row, List.copyOf(own));
    }
    List<EvalResult.TaskFacts> facts =
        plan.tasks(plan.seeds().get(0)).stream()
            .map(
                task ->
                    new EvalResult.TaskFacts(
                        task.name(), task.classNames().size(), task.test().size()))
            .toList();
    return new EvalResult(plan, facts, ordered);
  }
}
