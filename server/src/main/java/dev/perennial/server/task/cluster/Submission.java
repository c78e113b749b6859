package dev.perennial.server.task.cluster;

import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolFile;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.cluster.Request.Apply.Kind;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Takes changes that are wanted here to the coordinator, wherever that is, and waits until this
 * member has them like everybody else. While the coordinator changes they are tried again; all
 * changes can be, as they name what shall be. Safe for any thread.
 */
final class Submission {
  private static final Logger LOG = LoggerFactory.getLogger(Submission.class);

  /** Reasons after which the coordinator may be another one soon. */
  private static final Set<String> TRY_AGAIN =
      Set.of(
          "NOT_COORDINATOR", Answers.SILENT, "NOT_REPLICATED", "VERSION_NOT_FETCHED", "REJOINING");

  private final TaskPool pool;
  private final Channel<Request> members;
  private final Coordinator coordinator;
  private final Readiness readiness;
  private final Wakeup wakeup;
  private final ClusterOptions options;

  /**
   * @param wakeup has news when this member's pool, the members or its readiness have changed
   */
  Submission(
      TaskPool pool,
      Channel<Request> members,
      Coordinator coordinator,
      Readiness readiness,
      Wakeup wakeup,
      ClusterOptions options) {
    this.pool = pool;
    this.members = members;
    this.coordinator = coordinator;
    this.readiness = readiness;
    this.wakeup = wakeup;
    this.options = options;
  }

  /** A change that brings a file: it is stored here, and the others fetch it. */
  PoolSnapshot submit(Kind kind, PoolFile file, ByteBuffer bytes, Fence fence) {
    awaitReady();
    pool.requireFits(file);
    String id = pool.hold(bytes);
    try {
      return submit(kind, file.task(), id, fence);
    } finally {
      pool.release(id); // where a manifest names it, it is held no more
    }
  }

  /** A change that names what is there. */
  PoolSnapshot submit(Kind kind, String task, String fileId) {
    return submit(kind, task, fileId, Fence.NONE);
  }

  private PoolSnapshot submit(Kind kind, String task, String fileId, Fence fence) {
    readiness.require();
    long until = System.nanoTime() + options.change().toNanos();
    boolean wasHere = kind.removes() && kind.finds(pool.manifest(), task, fileId);
    boolean again = false;
    while (true) {
      try {
        long epoch = apply(kind, task, fileId, fence, until);
        return await(() -> has(epoch, kind, task, fileId), until, "at least " + epoch);
      } catch (ServingException e) {
        if (again && wasHere && e.code() == ErrorCode.NOT_FOUND) {
          return awaitGone(kind, task, fileId, until); // the first try has done it
        }
        boolean soon = TRY_AGAIN.contains(e.reason()) || (kind.bringsFile() && notReady(e));
        if (!soon || System.nanoTime() - until > 0) {
          throw e;
        }
        LOG.info("{} of task {} is tried again: {}", kind, task, e.getMessage());
        again = true;
        wakeup.pause();
        if (kind.bringsFile()) {
          awaitReady();
        }
        readiness.require();
      }
    }
  }

  /** This member or the coordinator is catching up, or has stood still. */
  private static boolean notReady(ServingException e) {
    return e.reason().equals(Readiness.NOT_READY);
  }

  private long apply(Kind kind, String task, String fileId, Fence fence, long until) {
    View view = members.view();
    Request.Apply request = new Request.Apply(view.self(), kind, task, fileId, fence);
    if (view.coordinates()) {
      return coordinator.apply(request);
    }
    Duration left = Duration.ofNanos(Math.max(1, until - System.nanoTime()));
    return members.ask(view.coordinator(), request, Request.Applied.class, left).epoch();
  }

  /**
   * This member has a decided epoch as soon as the others have, or shortly after. Where it was cut
   * off from them meanwhile, its epoch may be that of others, which do not know the change.
   */
  private boolean has(long epoch, Kind kind, String task, String fileId) {
    Manifest manifest = pool.manifest();
    return manifest.epoch() >= epoch && kind.isIn(manifest, task, fileId);
  }

  private PoolSnapshot awaitGone(Kind kind, String task, String fileId, long until) {
    return await(() -> !kind.finds(pool.manifest(), task, fileId), until, "one without " + task);
  }

  private PoolSnapshot await(BooleanSupplier done, long until, String expected) {
    if (!pausedUntil(done, until)) {
      throw ServingException.unavailable(
          "BEHIND",
          "epoch here: " + pool.snapshot().epoch() + " (expected: " + expected + ", as decided)",
          Duration.ofSeconds(1));
    }
    return pool.snapshot();
  }

  /** What took long to make is not given up because this member is catching up just now. */
  private void awaitReady() {
    pausedUntil(readiness::ready, System.nanoTime() + options.change().toNanos());
  }

  /** False where the time was up before. */
  private boolean pausedUntil(BooleanSupplier condition, long until) {
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - until > 0) {
        return false;
      }
      wakeup.pause();
    }
    return true;
  }
}
