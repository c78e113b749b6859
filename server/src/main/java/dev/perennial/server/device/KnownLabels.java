package dev.perennial.server.device;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Interner;
import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskVersion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

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
  private final Cache<PoolSnapshot, LabelSet> ofSnapshot = Caffeine.newBuilder().weakKeys().build();

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
    if (snapshot.tasks().isEmpty()) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "NO_TASKS",
          "tasks: 0 (expected: 1 or more for label_set.all_known)");
    }
    return ofSnapshot.get(snapshot, tasks -> canonical(union(tasks)));
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

  private LabelSet ofTask(ActiveTask task) {
    return ofVersion.get(
        task.version(),
        version -> canonical(LabelSet.of(version.classNames(), version.template(), tokenizer)));
  }

  /** A class that tasks share is one label, with a prompt for each different text. */
  private LabelSet union(PoolSnapshot snapshot) {
    Map<String, Integer> places = new LinkedHashMap<>();
    Set<String> texts = new LinkedHashSet<>();
    List<LabelSet.Prompt> prompts = new ArrayList<>();
    List<Set<String>> unknownWords = new ArrayList<>();
    for (ActiveTask task : snapshot.tasks()) {
      LabelSet classes = ofTask(task);
      for (LabelSet.Prompt prompt : classes.prompts()) {
        String label = classes.labels().get(prompt.label());
        int place = places.computeIfAbsent(label, absent -> places.size());
        if (place == unknownWords.size()) {
          unknownWords.add(new LinkedHashSet<>());
        }
        unknownWords.get(place).addAll(classes.unknownWords().get(prompt.label()));
        if (texts.add(place + " " + prompt.text())) {
          prompts.add(new LabelSet.Prompt(prompt.text(), place, prompt.tokens()));
        }
      }
    }
    return new LabelSet(
        List.copyOf(places.keySet()),
        List.copyOf(prompts),
        unknownWords.stream().map(List::copyOf).toList());
  }
}
