package dev.perennial.server.device;

import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.task.PoolSnapshot;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;

/**
 * Plans the rows of a batch after their first pass. Those whose labels the same tasks know are
 * routed together, which reads every task's Gaussian once for several images; no row's plan depends
 * on the others. Stateless.
 */
final class BatchRouting {
  /** A row and what it is asked. */
  private record Asked(ClassifyRow row, Question question) {}

  private BatchRouting() {}

  /**
   * Plans them all.
   *
   * @param rows bound to the snapshot, with frozen features
   * @param failed hears of each row that cannot be planned
   */
  static void plan(
      List<ClassifyRow> rows,
      PoolSnapshot snapshot,
      BiConsumer<ClassifyRow, RuntimeException> failed) {
    IdentityHashMap<LabelOwners, List<Asked>> together = new IdentityHashMap<>();
    for (ClassifyRow row : rows) {
      try {
        Question question = row.unionQuestion();
        if (question == null) {
          row.plan();
        } else {
          together
              .computeIfAbsent(question.owners(), first -> new ArrayList<>())
              .add(new Asked(row, question));
        }
      } catch (RuntimeException e) {
        failed.accept(row, e);
      }
    }
    together.forEach((owners, asked) -> plan(owners, asked, snapshot, failed));
  }

  private static void plan(
      LabelOwners owners,
      List<Asked> asked,
      PoolSnapshot snapshot,
      BiConsumer<ClassifyRow, RuntimeException> failed) {
    try {
      List<float[]> features =
          asked.stream().map(one -> Objects.requireNonNull(one.row().frozen())).toList();
      List<TaskSearch> found = TaskSearch.of(snapshot.tasks(), owners, features);
      for (int i = 0; i < found.size(); i++) {
        Asked one = asked.get(i);
        one.row().plan(one.question(), UnionRoute.of(snapshot.tasks(), found.get(i)));
      }
    } catch (RuntimeException e) {
      if (asked.size() == 1) {
        failed.accept(asked.get(0).row(), e);
      } else {
        asked.forEach(one -> plan(owners, List.of(one), snapshot, failed));
      }
    }
  }
}
