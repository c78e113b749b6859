package dev.perennial.server.task;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.TaskStore.Manifest;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which version of each task serves, under one monotonic epoch. Safe for any thread.
 *
 * <p>Readers take one immutable state from a volatile field. Writers queue on one lock, and each
 * change takes these steps: the version's file is durable, the manifest is durable (this is the
 * moment at which the change has happened), the state flips, the listeners are told, files that no
 * manifest names are removed. A failure before the flip leaves the pool as it was; the epoch, part
 * of the manifest, never goes back, over restarts and deletions too.
 *
 * <p>A version that is served was read back from the bytes that were stored: a restart serves the
 * same numbers.
 *
 * <p>The store belongs to whoever opened it, and is used by this pool alone.
 */
public final class TaskPool implements AutoCloseable {
  /** Newest versions kept of each task, beside the active one and the unavailable ones. */
  public static final int RETAINED_VERSIONS = 16;

  /** Most tasks; each needs some 3 MB at ViT-B/16's size. */
  public static final int MAX_TASKS = 10_000;

  private static final Logger LOG = LoggerFactory.getLogger(TaskPool.class);

  /**
   * A task with its versions, newest first; those that are damaged are in {@link #unavailable}.
   *
   * @param activeVersionId the manifest's, even where that version is unavailable
   */
  public record History(String task, String activeVersionId, List<VersionSummary> versions) {}

  /** What readers see, flipped as one. */
  private record State(
      Manifest manifest,
      PoolSnapshot snapshot,
      Map<String, VersionSummary> summaries,
      Map<String, UnavailableVersion> unavailable) {}

  private final TaskStore store;
  private final String backboneFingerprint;
  private final int embedDim;
  private final ReentrantLock writing = new ReentrantLock();

  /** Written under the lock, read by anyone. */
  private volatile State state;

  @GuardedBy("writing")
  private final Set<Listener> listeners = new LinkedHashSet<>();

  @GuardedBy("writing")
  private boolean closed;

  private TaskPool(TaskStore store, String backboneFingerprint, int embedDim, State state) {
    this.store = store;
    this.backboneFingerprint = backboneFingerprint;
    this.embedDim = embedDim;
    this.state = state;
  }

  /**
   * Opens the store's pool: reads and checks every version. Those for another backbone or damaged
   * ones do not serve; they are logged, listed in {@link #unavailable} and left where they are.
   */
  public static TaskPool open(TaskStore store, String backboneFingerprint, int embedDim) {
    Manifest manifest = store.manifest();
    List<ActiveTask> tasks = new ArrayList<>();
    Map<String, VersionSummary> summaries = new HashMap<>();
    Map<String, UnavailableVersion> unavailable = new TreeMap<>();
    manifest
        .versions()
        .forEach(
            (task, ids) -> {
              for (String id : ids) {
                boolean active = id.equals(manifest.active().get(task));
                try {
                  TaskVersion version = load(store, task, id);
                  summaries.put(id, VersionSummary.of(id, version));
                  requireFits(version, backboneFingerprint, embedDim);
                  if (active) {
                    tasks.add(ActiveTask.of(id, version));
                  }
                } catch (ServingException e) {
                  String cause = e.reason() + ": " + e.getMessage();
                  unavailable.put(id, new UnavailableVersion(task, id, active, cause));
                  LOG.warn(
                      "Version {} of task {} ({}) does not serve: {}",
                      id,
                      task,
                      active ? "active" : "not active",
                      cause);
                }
              }
            });
    store.removeVersionsExcept(manifest.versionIds());
    PoolSnapshot snapshot = new PoolSnapshot(manifest.epoch(), tasks);
    LOG.info("Task pool at epoch {}: {} tasks serve", snapshot.epoch(), tasks.size());
    return new TaskPool(
        store,
        backboneFingerprint,
        embedDim,
        new State(manifest, snapshot, Map.copyOf(summaries), Map.copyOf(unavailable)));
  }

  private static TaskVersion load(TaskStore store, String task, String versionId) {
    TaskVersion version = TaskVersionFile.read(store.getVersion(versionId));
    if (!version.task().equals(task)) {
      throw new ServingException(
          ErrorCode.DATA_LOSS,
          "VERSION_DAMAGED",
          "task of version " + versionId + ": " + version.task() + " (expected: " + task + ")");
    }
    return version;
  }

  private static void requireFits(TaskVersion version, String backboneFingerprint, int embedDim) {
    if (!version.backboneFingerprint().equals(backboneFingerprint)) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "BACKBONE_MISMATCH",
          "backbone of task "
              + version.task()
              + ": "
              + version.backboneFingerprint()
              + " (expected: "
              + backboneFingerprint
              + ")");
    }
    int dimension = version.statistics().dimension();
    if (dimension != embedDim) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "BACKBONE_MISMATCH",
          "embed dim of task "
              + version.task()
              + ": "
              + dimension
              + " (expected: "
              + embedDim
              + ")");
    }
  }

  /** The tasks that serve now. */
  public PoolSnapshot snapshot() {
    return state.snapshot();
  }

  /** Stored versions that cannot serve here, by task and id. */
  public List<UnavailableVersion> unavailable() {
    return state.unavailable().values().stream()
        .sorted(
            Comparator.comparing(UnavailableVersion::task)
                .thenComparing(UnavailableVersion::versionId))
        .toList();
  }

  /**
   * Stores a version durably and makes it active; returns the new snapshot. A version that is
   * active already stays so, under the same epoch. Throws FAILED_PRECONDITION (another backbone),
   * RESOURCE_EXHAUSTED (too many tasks, disk full).
   */
  public PoolSnapshot publish(TaskVersion version) {
    requireFits(version, backboneFingerprint, embedDim);
    byte[] bytes = TaskVersionFile.write(version);
    String id = TaskVersionFile.versionId(bytes);
    TaskVersion stored = TaskVersionFile.read(ByteBuffer.wrap(bytes));
    ActiveTask task = ActiveTask.of(id, stored);
    return write(
        before -> {
          if (isServing(before, task.name(), id)) {
            return before;
          }
          requireRoom(before.manifest(), task.name());
          store.putVersion(id, bytes);
          Map<String, UnavailableVersion> unavailable = new TreeMap<>(before.unavailable());
          unavailable.remove(id);
          Manifest manifest =
              PoolChange.published(
                  before.manifest(), task.name(), id, unavailable.keySet(), RETAINED_VERSIONS);
          Map<String, VersionSummary> summaries = new HashMap<>(before.summaries());
          summaries.put(id, VersionSummary.of(id, stored));
          return next(before, manifest, task, summaries, unavailable);
        });
  }

  private static boolean isServing(State state, String task, String versionId) {
    int slot = state.snapshot().slot(task);
    return slot >= 0 && state.snapshot().tasks().get(slot).versionId().equals(versionId);
  }

  private static void requireRoom(Manifest manifest, String task) {
    if (manifest.versions().size() >= MAX_TASKS && !manifest.versions().containsKey(task)) {
      throw new ServingException(
          ErrorCode.RESOURCE_EXHAUSTED,
          "TOO_MANY_TASKS",
          "tasks: " + manifest.versions().size() + " (expected: fewer than " + MAX_TASKS + ")");
    }
  }

  /** Forgets a task and all its versions; throws NOT_FOUND. */
  public PoolSnapshot delete(String task) {
    return write(
        before -> {
          requireKnown(before.manifest(), task);
          Manifest manifest = PoolChange.deleted(before.manifest(), task);
          List<ActiveTask> tasks = new ArrayList<>(before.snapshot().tasks());
          tasks.removeIf(active -> active.name().equals(task));
          return new State(
              manifest,
              new PoolSnapshot(manifest.epoch(), tasks),
              before.summaries(),
              before.unavailable());
        });
  }

  private static void requireKnown(Manifest manifest, String task) {
    if (!manifest.versions().containsKey(task)) {
      throw new ServingException(
          ErrorCode.NOT_FOUND,
          "TASK_NOT_FOUND",
          "task: " + task + " (expected: one of " + manifest.versions().size() + " known tasks)");
    }
  }

  /**
   * Makes a stored version the active one; throws NOT_FOUND, FAILED_PRECONDITION (another
   * backbone), DATA_LOSS (damaged).
   */
  public PoolSnapshot activate(String task, String versionId) {
    return write(
        before -> {
          requireKnown(before.manifest(), task);
          if (!PoolChange.versions(before.manifest(), task).contains(versionId)) {
            throw new ServingException(
                ErrorCode.NOT_FOUND,
                "VERSION_NOT_FOUND",
                "version: " + versionId + " (expected: one of task " + task + ")");
          }
          if (isServing(before, task, versionId)) {
            return before;
          }
          TaskVersion version = load(store, task, versionId);
          requireFits(version, backboneFingerprint, embedDim);
          Map<String, VersionSummary> summaries = new HashMap<>(before.summaries());
          summaries.put(versionId, VersionSummary.of(versionId, version));
          Map<String, UnavailableVersion> unavailable = new TreeMap<>(before.unavailable());
          unavailable.remove(versionId);
          Manifest manifest = PoolChange.activated(before.manifest(), task, versionId);
          ActiveTask active = ActiveTask.of(versionId, version);
          return next(before, manifest, active, summaries, unavailable);
        });
  }

  /** The state with that task's version in the place of the former one. */
  private static State next(
      State before,
      Manifest manifest,
      ActiveTask task,
      Map<String, VersionSummary> summaries,
      Map<String, UnavailableVersion> unavailable) {
    List<ActiveTask> tasks = new ArrayList<>(before.snapshot().tasks());
    tasks.removeIf(active -> active.name().equals(task.name()));
    tasks.add(task);
    return new State(manifest, new PoolSnapshot(manifest.epoch(), tasks), summaries, unavailable);
  }

  /** One change, from the state before to the one after. */
  @FunctionalInterface
  private interface Change {
    State after(State before);
  }

  private PoolSnapshot write(Change change) {
    if (writing.isHeldByCurrentThread()) {
      throw new IllegalStateException("a listener changed the pool (expected: only reads)");
    }
    writing.lock();
    try {
      requireOpen();
      State before = state;
      State after = change.after(before);
      if (after.snapshot().epoch() != before.snapshot().epoch()) {
        store.writeManifest(after.manifest());
        State pruned = pruned(after);
        state = pruned;
        tell(pruned.snapshot());
        removeForgotten(before.manifest(), pruned.manifest());
      }
      return after.snapshot();
    } finally {
      writing.unlock();
    }
  }

  @GuardedBy("writing")
  private void requireOpen() {
    if (closed) {
      throw new ServingException(
          ErrorCode.UNAVAILABLE, "POOL_CLOSED", "task pool: closed (expected: open)");
    }
  }

  /**
   * Without what the manifest no longer names; what stays unavailable knows whether it is active.
   */
  private static State pruned(State state) {
    Set<String> ids = state.manifest().versionIds();
    Map<String, VersionSummary> summaries = new HashMap<>(state.summaries());
    summaries.keySet().retainAll(ids);
    Map<String, UnavailableVersion> unavailable = new HashMap<>();
    for (UnavailableVersion version : state.unavailable().values()) {
      if (ids.contains(version.versionId())) {
        boolean active = version.versionId().equals(state.manifest().active().get(version.task()));
        unavailable.put(
            version.versionId(),
            new UnavailableVersion(version.task(), version.versionId(), active, version.cause()));
      }
    }
    return new State(
        state.manifest(), state.snapshot(), Map.copyOf(summaries), Map.copyOf(unavailable));
  }

  @GuardedBy("writing")
  private void tell(PoolSnapshot snapshot) {
    for (Listener listener : List.copyOf(listeners)) {
      try {
        listener.consumer().accept(snapshot);
      } catch (RuntimeException e) {
        LOG.error("A listener failed at epoch {}", snapshot.epoch(), e);
      }
    }
  }

  /** The change has happened: a file that cannot be removed now goes at the next opening. */
  private void removeForgotten(Manifest before, Manifest after) {
    Set<String> ids = after.versionIds();
    if (!ids.containsAll(before.versionIds())) {
      try {
        store.removeVersionsExcept(ids);
      } catch (ServingException e) {
        LOG.warn("Forgotten versions stay on disk until the next start", e);
      }
    }
  }

  /** A task with its versions; throws NOT_FOUND. */
  public History history(String task) {
    State now = state;
    requireKnown(now.manifest(), task);
    List<VersionSummary> versions = new ArrayList<>();
    for (String id : PoolChange.versions(now.manifest(), task)) {
      VersionSummary summary = now.summaries().get(id);
      if (summary != null) {
        versions.add(summary);
      }
    }
    return new History(task, PoolChange.activeVersion(now.manifest(), task), List.copyOf(versions));
  }

  /** Every known task's name in order, those that do not serve included. */
  public List<String> taskNames() {
    return List.copyOf(state.manifest().versions().keySet());
  }

  /** One registration; the same consumer may listen twice. */
  private static final class Listener {
    private final Consumer<PoolSnapshot> consumer;

    private Listener(Consumer<PoolSnapshot> consumer) {
      this.consumer = consumer;
    }

    private Consumer<PoolSnapshot> consumer() {
      return consumer;
    }
  }

  /**
   * Calls with every new snapshot from now on, on the writer's thread, in order, before the writer
   * returns; close the result to stop. A listener must not change the pool.
   */
  public AutoCloseable listen(Consumer<PoolSnapshot> consumer) {
    Listener listener = new Listener(consumer);
    writing.lock();
    try {
      listeners.add(listener);
    } finally {
      writing.unlock();
    }
    return () -> {
      writing.lock();
      try {
        listeners.remove(listener);
      } finally {
        writing.unlock();
      }
    };
  }

  /** Waits for the change in progress; later ones are refused. Reading goes on. */
  @Override
  public void close() {
    writing.lock();
    try {
      closed = true;
      listeners.clear();
    } finally {
      writing.unlock();
    }
  }
}
