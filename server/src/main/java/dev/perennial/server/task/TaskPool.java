package dev.perennial.server.task;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which version of each task serves here, under one monotonic epoch. Safe for any thread.
 *
 * <p>Readers take one immutable state from a volatile field. Writers queue on one lock, and each
 * change takes these steps: the version's file is durable, the manifest is durable (this is the
 * moment at which the change has happened), the state flips, the listeners are told, files that no
 * manifest names are removed. A failure before the flip leaves the pool as it was; the epoch, part
 * of the manifest, never goes back, over restarts and deletions too.
 *
 * <p>A version that is served was read back from the bytes that were stored: a restart serves the
 * same numbers. A manifest on disk names no version that was not stored there before it.
 *
 * <p>Alone, the pool decides its changes itself ({@link PoolWriter}). In a cluster they are decided
 * by the cluster's coordinator and come as {@link #hold versions} and {@link #install manifests}.
 *
 * <p>The store belongs to whoever opened it, and is used by this pool alone.
 */
public final class TaskPool implements PoolWriter, AutoCloseable {
  /** Newest versions kept of each task, the active one among them, beside the unavailable ones. */
  public static final int RETAINED_VERSIONS = 16;

  /** Most tasks; each needs some 3 MB at ViT-B/16's size. */
  public static final int MAX_TASKS = 10_000;

  /** Most contributions to one task. */
  public static final int MAX_CONTRIBUTIONS = 256;

  private static final Logger LOG = LoggerFactory.getLogger(TaskPool.class);

  private final TaskStore store;
  private final VersionLoader loader;
  private final ReentrantLock writing = new ReentrantLock();

  /** Written under the lock, read by anyone. */
  private volatile PoolState state;

  @GuardedBy("writing")
  private final StoredFiles files;

  @GuardedBy("writing")
  private final SnapshotListeners listeners = new SnapshotListeners();

  @GuardedBy("writing")
  private boolean closed;

  private TaskPool(TaskStore store, VersionLoader loader, PoolState state) {
    this.store = store;
    this.loader = loader;
    this.state = state;
    this.files = new StoredFiles(store);
  }

  /**
   * Opens the store's pool: reads and checks every version. Those for another backbone or damaged
   * ones do not serve; they are logged, listed in {@link #unavailable} and left where they are.
   */
  public static TaskPool open(TaskStore store, String backboneFingerprint, int embedDim) {
    VersionLoader loader = new VersionLoader(store, backboneFingerprint, embedDim);
    PoolState state = PoolState.nothing().at(store.manifest(), loader, Map.of());
    store.removeVersionsExcept(state.manifest().fileIds());
    LOG.info(
        "Task pool at epoch {}: {} tasks serve",
        state.manifest().epoch(),
        state.snapshot().tasks().size());
    return new TaskPool(store, loader, state);
  }

  @Override
  public PoolSnapshot snapshot() {
    return state.snapshot();
  }

  /** What is durable here. */
  public Manifest manifest() {
    return state.manifest();
  }

  /** Stored versions that cannot serve here, by task and id. */
  public List<UnavailableVersion> unavailable() {
    return state.unavailableVersions();
  }

  @Override
  public PoolSnapshot publish(ByteBuffer bytes) {
    TaskVersion version = TaskVersionFile.read(bytes.duplicate());
    return bring(version, bytes, id -> new PoolChange.Publish(version.task(), id, false));
  }

  @Override
  public PoolSnapshot publish(TaskVersion version, Fence fence) {
    ByteBuffer bytes = ByteBuffer.wrap(TaskVersionFile.write(version));
    return bring(version, bytes, id -> new PoolChange.Publish(version.task(), id, true));
  }

  @Override
  public PoolSnapshot contribute(ByteBuffer bytes) {
    PoolFile file = ContributionFile.read(bytes);
    return bring(file, bytes, id -> new PoolChange.Contribute(file.task(), id, false));
  }

  @Override
  public PoolSnapshot contribute(Contribution contribution, Fence fence) {
    ByteBuffer bytes = ByteBuffer.wrap(ContributionFile.write(contribution));
    return bring(
        contribution, bytes, id -> new PoolChange.Contribute(contribution.task(), id, true));
  }

  /** A change that brings a file, stored where the change needs it. */
  private PoolSnapshot bring(PoolFile file, ByteBuffer bytes, Function<String, PoolChange> change) {
    loader.requireFits(file);
    String id = TaskVersionFile.versionId(bytes);
    return write(
        before -> {
          Manifest next = decide(before.manifest(), change.apply(id), 0);
          if (!next.equals(before.manifest())) {
            hold(bytes);
          }
          return next;
        });
  }

  @Override
  public PoolSnapshot withdraw(String task, String contributionId) {
    return write(
        before -> decide(before.manifest(), new PoolChange.Withdraw(task, contributionId), 0));
  }

  @Override
  public PoolSnapshot delete(String task) {
    return write(before -> decide(before.manifest(), new PoolChange.Delete(task), 0));
  }

  @Override
  public PoolSnapshot activate(String task, String versionId) {
    return write(
        before -> {
          Manifest next = decide(before.manifest(), new PoolChange.Activate(task, versionId), 0);
          if (!next.equals(before.manifest())) {
            keepLoaded(versionId, loadForService(task, versionId));
          }
          return next;
        });
  }

  /** Throws where the version cannot serve here: DATA_LOSS, NOT_FOUND, FAILED_PRECONDITION. */
  public TaskVersion loadForService(String task, String versionId) {
    TaskVersion version = loader.load(task, versionId);
    loader.requireFits(version);
    return version;
  }

  /** Throws FAILED_PRECONDITION where the file is for another backbone. */
  public void requireFits(PoolFile file) {
    loader.requireFits(file);
  }

  /**
   * The manifest that a change would make of one that this pool may have yet to reach, under an
   * epoch above the given one, which may have been seen elsewhere; nothing is written.
   */
  public Manifest decide(Manifest base, PoolChange change, long usedEpoch) {
    Set<String> unavailable = state.unavailable().keySet();
    Manifest after = change.after(base, unavailable);
    return after.equals(base) || after.epoch() > usedEpoch
        ? after
        : change.after(base.at(usedEpoch), unavailable);
  }

  /**
   * Stores a version or a contribution durably, for a manifest to come; returns its id. Until then,
   * or until it is {@link #release released} as often as it was held, or the pool is opened again,
   * it is kept. Throws DATA_LOSS (neither), RESOURCE_EXHAUSTED (disk full).
   */
  public String hold(ByteBuffer bytes) {
    PoolFile file = PoolFile.read(bytes);
    writing.lock();
    try {
      requireOpen();
      return files.hold(bytes, file);
    } finally {
      writing.unlock();
    }
  }

  /** The same for a coordinator: it is kept until {@link #releasePrepared}, if none names it. */
  public void prepare(ByteBuffer bytes) {
    PoolFile file = PoolFile.read(bytes);
    writing.lock();
    try {
      requireOpen();
      files.prepare(bytes, file);
    } finally {
      writing.unlock();
    }
  }

  private void keepLoaded(String fileId, PoolFile file) {
    writing.lock();
    try {
      files.keepLoaded(fileId, file);
    } finally {
      writing.unlock();
    }
  }

  /** A version that no manifest will name after all; its file goes with the next change. */
  public void release(String versionId) {
    writing.lock();
    try {
      files.release(versionId);
    } finally {
      writing.unlock();
    }
  }

  /** No manifest is to come that needs these; files that nobody holds go with the next change. */
  public void releasePrepared(Collection<String> fileIds) {
    writing.lock();
    try {
      files.releasePrepared(fileIds);
    } finally {
      writing.unlock();
    }
  }

  /** The same of all that were prepared. */
  public void releasePrepared() {
    writing.lock();
    try {
      files.releasePrepared();
    } finally {
      writing.unlock();
    }
  }

  /** The bytes of a version that is stored here; throws NOT_FOUND, DATA_LOSS. */
  public ByteBuffer versionBytes(String versionId) {
    return store.getVersion(versionId);
  }

  /** Versions of a manifest that must be {@link #hold held} before it can be installed. */
  public Set<String> missing(Manifest manifest) {
    writing.lock();
    try {
      Set<String> missing = manifest.fileIds();
      missing.removeAll(files.ids());
      missing.removeAll(state.manifest().fileIds());
      return missing;
    } finally {
      writing.unlock();
    }
  }

  /** Those of the versions that are not whole on this disk. */
  public Set<String> notStored(Collection<String> versionIds) {
    writing.lock();
    try {
      Set<String> missing = new LinkedHashSet<>(versionIds);
      missing.removeAll(files.ids());
      missing.removeAll(state.summaries().keySet());
      missing.removeAll(state.contributions().keySet());
      return missing;
    } finally {
      writing.unlock();
    }
  }

  /** Versions whose file cannot be read; to hold them again repairs them. */
  public Set<String> damaged() {
    return state.damaged();
  }

  /**
   * Makes a manifest this pool's, where that loses nothing: true where it is now, false where this
   * pool knows something that the manifest does not. Throws IllegalStateException where one of its
   * versions is not stored here.
   */
  public boolean install(Manifest next) {
    boolean[] covers = {true};
    write(
        before -> {
          covers[0] = next.covers(before.manifest());
          Set<String> missing = covers[0] ? missing(next) : Set.of();
          if (!missing.isEmpty()) {
            throw new IllegalStateException("versions: " + missing + " (expected: held before)");
          }
          return covers[0] ? next : before.manifest();
        });
    return covers[0];
  }

  /** One change, from the state before to the manifest after; under the lock. */
  @FunctionalInterface
  private interface Change {
    Manifest after(PoolState before);
  }

  private PoolSnapshot write(Change change) {
    if (writing.isHeldByCurrentThread()) {
      throw new IllegalStateException("a listener changed the pool (expected: only reads)");
    }
    writing.lock();
    try {
      requireOpen();
      PoolState before = state;
      Manifest next = change.after(before);
      boolean repaired =
          !Collections.disjoint(before.unavailable().keySet(), files.loaded().keySet());
      if (next.equals(before.manifest()) && !repaired) {
        return before.snapshot();
      }
      PoolState after = before.at(next, loader, files.loaded());
      if (next.epoch() != before.manifest().epoch()) {
        store.writeManifest(next);
      }
      state = after;
      Set<String> named = next.fileIds();
      files.named(named, before.manifest().fileIds());
      listeners.tell(after.snapshot());
      files.removeGarbage(named);
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

  /** A task with its versions and contributions; throws NOT_FOUND. */
  public TaskHistory history(String task) {
    return TaskHistory.of(state, task);
  }

  /** Every known task's name in order, those that do not serve included. */
  public List<String> taskNames() {
    return List.copyOf(state.manifest().tasks().keySet());
  }

  /**
   * Calls with every new snapshot from now on, on the writer's thread, in order, before the writer
   * returns; close the result to stop. A listener must not change the pool.
   */
  public AutoCloseable listen(Consumer<PoolSnapshot> consumer) {
    SnapshotListeners.Listener listener;
    writing.lock();
    try {
      listener = listeners.add(consumer);
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
      files.clear();
    } finally {
      writing.unlock();
    }
  }
}
