package dev.perennial.server.device;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Interner;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.scoring.LabelOwners;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskVersion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The label sets that requests mean: the caller's own, one object per content, and those made from
 * a snapshot's tasks. Shared by all devices, safe for any thread. Nothing is kept longer than the
 * version, the snapshot or the request that it was made for.
 */
final class KnownLabels {
  private final Tokenizer tokenizer;
  private final Interner<LabelSet> explicit = Interner.newWeakInterner();

  /** Saves comparing by content where a stream sends the same object again; by identity. */
  private final Cache<LabelSet, LabelSet> seen =
      Caffeine.newBuilder().weakKeys().weakValues().build();

  private final Cache<TaskVersion, LabelSet> ofVersion = Caffeine.newBuilder().weakKeys().build();
  private final Cache<PoolSnapshot, Question> ofSnapshot = Caffeine.newBuilder().weakKeys().build();

  /** Per snapshot and extra labels; by identity. */
  private final Cache<PoolSnapshot, Cache<LabelSet, Question>> withExtra =
      Caffeine.newBuilder().weakKeys().build();

  private final Cache<PoolSnapshot, Cache<LabelSet, LabelOwners>> owners =
      Caffeine.newBuilder().weakKeys().build();

  KnownLabels(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** The one object that stands for this content: text features are kept per object. */
  LabelSet canonical(LabelSet labels) {
    return seen.get(labels, explicit::intern);
  }

  /** What the candidates mean under a snapshot. Throws NOT_FOUND, FAILED_PRECONDITION. */
  LabelSet resolve(Candidates candidates, PoolSnapshot snapshot) {
    if (candidates instanceof Candidates.Explicit given) {
      return given.labels();
    }
    if (candidates instanceof Candidates.TaskClasses classes) {
      return ofTask(snapshot.tasks().get(slot(snapshot, classes.task(), "label_set.task")));
    }
    return everything((Candidates.AllKnown) candidates, snapshot).labels();
  }

  /** The same with who knows which label. */
  Question question(Candidates candidates, PoolSnapshot snapshot) {
    if (candidates instanceof Candidates.AllKnown known) {
      return everything(known, snapshot);
    }
    LabelSet labels = resolve(candidates, snapshot);
    int[] places = new int[labels.labels().size()];
    Arrays.setAll(places, i -> i);
    return new Question(labels, owners(labels, snapshot), labels, places);
  }

  private Question everything(Candidates.AllKnown known, PoolSnapshot snapshot) {
    LabelSet extra = known.extra();
    if (snapshot.tasks().isEmpty() && extra == null) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "NO_TASKS",
          "tasks: 0 (expected: 1 or more for label_set.all_known without extra labels)");
    }
    return extra == null
        ? ofSnapshot.get(snapshot, pool -> everything(pool, null))
        : withExtra
            .get(snapshot, pool -> Caffeine.newBuilder().weakKeys().build())
            .get(extra, labels -> everything(snapshot, labels));
  }

  private Question everything(PoolSnapshot snapshot, @Nullable LabelSet extra) {
    List<LabelSet> sets = new ArrayList<>(snapshot.tasks().stream().map(this::ofTask).toList());
    if (extra != null) {
      sets.add(extra);
    }
    // With the caller's labels nothing is interned: what is kept must not keep its own key.
    LabelSet union = LabelSet.union(sets);
    LabelSet labels = extra == null ? canonical(union) : union;
    LabelOwners owners = owners(labels, snapshot);
    Set<String> names = owners.unlearntAmong(labels.labels());
    LabelSet open = names.isEmpty() ? null : labels.only(names::contains);
    return new Question(labels, owners, open, owners.unlearnt());
  }

  /** Who knows which label; kept as long as labels and snapshot. */
  private LabelOwners owners(LabelSet labels, PoolSnapshot snapshot) {
    return owners
        .get(snapshot, pool -> Caffeine.newBuilder().weakKeys().build())
        .get(labels, set -> ownersOf(set, snapshot));
  }

  private static LabelOwners ownersOf(LabelSet labels, PoolSnapshot snapshot) {
    return LabelOwners.of(
        labels.labels(),
        snapshot.tasks().stream().map(task -> task.version().classNames()).toList());
  }

  /** The task's slot; throws NOT_FOUND that blames the request's field. */
  static int slot(PoolSnapshot snapshot, String task, String field) {
    int slot = snapshot.slot(task);
    if (slot < 0) {
      throw ServingException.notFound(
          "TASK_NOT_FOUND", field, "task: " + task + " (expected: a task of the pool)");
    }
    return slot;
  }

  /** The task's classes in its template. */
  LabelSet ofTask(ActiveTask task) {
    return ofVersion.get(
        task.version(),
        version -> canonical(LabelSet.of(version.classNames(), version.template(), tokenizer)));
  }
}
