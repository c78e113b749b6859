package dev.perennial.server.eval.method;

import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalTask;
import dev.perennial.server.eval.Method;
import java.util.ArrayList;
import java.util.List;

/** What a residual method has learnt so far, in order. Of the bench's thread. */
final class LearntBranches {
  private final TrainedBranches trained;
  private final BranchSettings settings;
  private final List<TrainedBranch> branches = new ArrayList<>();

  LearntBranches(Bench bench, BranchSettings settings) {
    this.trained = bench.shared(TrainedBranches.class, TrainedBranches::new);
    this.settings = settings;
  }

  Method.Learned learn(EvalTask task, Method.Progress progress) {
    TrainedBranch branch = trained.get(settings, task, progress);
    branches.add(branch);
    return branch.learned();
  }

  boolean isEmpty() {
    return branches.isEmpty();
  }

  int size() {
    return branches.size();
  }

  TrainedBranch get(int task) {
    return branches.get(task);
  }

  /** Not to be changed. */
  List<TrainedBranch> all() {
    return branches;
  }
}
