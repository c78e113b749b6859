package dev.perennial.server.device;

import dev.perennial.server.task.PoolSnapshot;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.function.BiConsumer;

/**
 * Plans the rows of a batch after their first pass. Those with one question are routed together,
 * which reads every task's Gaussian once for several images; no row's plan depends on the others.
 * Stateless.
 */
final class BatchRouting {
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
    IdentityHashMap<Question, List<ClassifyRow>> together = new IdentityHashMap<>();
    for (ClassifyRow row : rows) {
      try {
        Question question = row.unionQuestion();
        if (question == null) {
          row.plan();
        } else {
          together.computeIfAbsent(question, first -> new ArrayList<>()).add(row);
        }
      } catch (RuntimeException e) {
        failed.accept(row, e);
      }
    }
    together.forEach((question, own) -> plan(question, own, snapshot, failed));
  }

  private static void plan(
      Question question,
      List<ClassifyRow> rows,
      PoolSnapshot snapshot,
      BiConsumer<ClassifyRow, RuntimeException> failed) {
    try {
      List<float[]> features =
          rows.stream().map(row -> Objects.requireNonNull(row.frozen())).toList();
      List<TaskSearch> found = TaskSearch.of(snapshot.tasks(), question.owners(), features);
      for (int i = 0; i < found.size(); i++) {
        rows.get(i).plan(question, UnionRoute.of(snapshot.tasks(), found.get(i)));
      }
    } catch (RuntimeException e) {
      if (rows.size() == 1) {
        failed.accept(rows.get(0), e);
      } else {
        rows.forEach(row -> plan(question, List.of(row), snapshot, failed));
      }
    }
  }
}
