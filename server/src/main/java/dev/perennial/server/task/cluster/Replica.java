package dev.perennial.server.task.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.server.task.cluster.Readiness.Standing;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a member does for its coordinator: fetches versions, checks and stores them, installs
 * manifests. Safe for any thread.
 *
 * <p>Manifests are taken only from the member that was last told this one's state, and state is
 * told only to the oldest member of this one's view. So a former coordinator that does not know yet
 * that it is one can change nothing here once its successor has asked; and after this process has
 * stood still, nothing is taken before it was asked anew.
 */
final class Replica {
  private static final Logger LOG = LoggerFactory.getLogger(Replica.class);

  /** Bytes of one part of a version. */
  static final int PART_BYTES = 1 << 20;

  /** A request to fetch is answered after so long, done or not. */
  private static final Duration FETCH_SLICE = Duration.ofSeconds(3);

  private final TaskPool pool;
  private final Channel<Request> members;
  private final Readiness readiness;
  private final ClusterOptions options;
  private final AtomicLong rejected = new AtomicLong();
  private volatile LongFunction<CompletableFuture<Void>> devices =
      epoch -> CompletableFuture.completedFuture(null);

  /** The member whose manifests are taken; empty before the first. */
  @GuardedBy("this")
  private String promised = "";

  /** What this member was when it promised that. */
  @GuardedBy("this")
  private @Nullable Standing promisedAs;

  Replica(TaskPool pool, Channel<Request> members, Readiness readiness, ClusterOptions options) {
    this.pool = pool;
    this.members = members;
    this.readiness = readiness;
    this.options = options;
  }

  /** From now on, an installed epoch is answered once the devices have it. */
  void servedBy(LongFunction<CompletableFuture<Void>> installed) {
    devices = installed;
  }

  /** Manifests that were refused because their author is not, or no longer, the coordinator. */
  long rejected() {
    return rejected.get();
  }

  Manifest state(Request.State request) {
    synchronized (this) {
      requireCoordinator(request.from());
      promised = request.from();
      promisedAs = readiness.standing();
      return pool.manifest();
    }
  }

  private void requireCoordinator(String from) {
    String coordinator = members.view().coordinator();
    if (!coordinator.equals(from)) {
      rejected.incrementAndGet();
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "NOT_COORDINATOR",
          "coordinator: " + from + " (expected: " + coordinator + ", the oldest member)");
    }
  }

  byte[] fetch(Request.Fetch request) {
    ByteBuffer bytes = pool.versionBytes(request.versionId());
    if (request.offset() < 0 || request.offset() > bytes.remaining()) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "BAD_OFFSET",
          "offset: " + request.offset() + " (expected: 0.." + bytes.remaining() + ")");
    }
    byte[] part = new byte[(int) Math.min(PART_BYTES, bytes.remaining() - request.offset())];
    bytes.position(bytes.position() + (int) request.offset()).get(part);
    return part;
  }

  Request.Prepared prepare(Request.Prepare request) {
    return new Request.Prepared(hold(request.versionIds(), request.holders()));
  }

  /** Fetches and stores what is not here; returns how many are left when the time is up. */
  int hold(Collection<String> versionIds, List<String> holders) {
    Deque<String> left = new ArrayDeque<>(pool.notStored(versionIds));
    long until = System.nanoTime() + FETCH_SLICE.toNanos();
    try {
      while (!left.isEmpty() && System.nanoTime() - until < 0) {
        hold(left.element(), holders);
        left.remove();
      }
    } catch (ServingException e) {
      if (isOfThisDisk(e)) {
        readiness.behind(e);
      }
      throw e; // else nothing that was decided is missing here: a change's author may have died
    }
    return left.size();
  }

  /** Whether it is this member's disk that has failed: it is full, or broken. */
  static boolean isOfThisDisk(ServingException e) {
    return e.code() == ErrorCode.RESOURCE_EXHAUSTED || e.code() == ErrorCode.INTERNAL;
  }

  /**
   * Fetches and stores what is not here; returns the failure where this disk does not take it, and
   * then this member is behind. Throws where files are still to be had from the holders.
   */
  @Nullable ServingException store(Collection<String> fileIds, List<String> holders) {
    try {
      int left = hold(fileIds, holders);
      if (left > 0) {
        throw ServingException.unavailable(
            "NOT_REPLICATED",
            "files that are still being fetched: " + left + " of " + fileIds + " (expected: 0)",
            Duration.ofSeconds(1));
      }
      return null;
    } catch (ServingException e) {
      if (!isOfThisDisk(e)) {
        throw e;
      }
      return e;
    }
  }

  /**
   * Brings this pool to a manifest; false where this disk does not take it, and then this member is
   * behind. Throws where files are still to be had from the holders.
   */
  boolean reach(Manifest wanted, List<String> holders) {
    if (store(pool.missing(wanted), holders) != null) {
      return false;
    }
    try {
      return pool.install(wanted);
    } catch (ServingException e) {
      if (!isOfThisDisk(e)) {
        throw e;
      }
      readiness.behind(e);
      return false;
    }
  }

  private void hold(String versionId, List<String> holders) {
    List<String> tried = new ArrayList<>();
    for (String holder : holders) {
      if (holder.equals(members.view().self())) {
        continue;
      }
      byte[] bytes;
      try {
        bytes = download(holder, versionId);
      } catch (ServingException e) {
        tried.add(holder + ": " + e.getMessage());
        continue;
      }
      pool.prepare(ByteBuffer.wrap(bytes));
      return;
    }
    throw new ServingException(
        ErrorCode.UNAVAILABLE,
        "VERSION_NOT_FETCHED",
        "version " + versionId + ": " + tried + " (expected: one member that has it)");
  }

  private byte[] download(String holder, String versionId) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    byte[] part;
    do {
      Request.Fetch request = new Request.Fetch(versionId, bytes.size());
      part = Wire.readBytes(Answers.await(holder, members.ask(holder, request), options.answer()));
      bytes.writeBytes(part);
    } while (part.length == PART_BYTES);
    byte[] whole = bytes.toByteArray();
    String hash = TaskVersionFile.versionId(whole);
    if (!hash.equals(versionId)) {
      throw new ServingException(
          ErrorCode.DATA_LOSS,
          "VERSION_DAMAGED",
          "hash of the version from " + holder + ": " + hash + " (expected: " + versionId + ")");
    }
    return whole;
  }

  Request.Installed install(Request.Install request) {
    Manifest wanted = request.manifest();
    synchronized (this) {
      requirePromised(request.from());
    }
    int remaining;
    try {
      remaining = hold(pool.missing(wanted), request.holders());
    } catch (ServingException e) {
      readiness.behind(e);
      throw e;
    }
    if (remaining > 0) {
      readiness.catchingUp();
      return new Request.Installed(pool.manifest(), remaining);
    }
    Manifest now;
    synchronized (this) {
      Standing as = requirePromised(request.from());
      try {
        pool.install(wanted);
      } catch (ServingException e) {
        readiness.behind(e);
        throw e;
      }
      now = pool.manifest();
      if (now.equals(wanted) && request.settles()) {
        pool.releasePrepared(); // what was prepared before, and is not named, never will be
        readiness.caughtUp(as, false);
      }
    }
    if (now.equals(wanted)) {
      awaitDevices(now.epoch());
    }
    return new Request.Installed(now, 0);
  }

  /** What this member is to the coordinator that it takes manifests from; throws for another. */
  @GuardedBy("this")
  private Standing requirePromised(String from) {
    requireCoordinator(from);
    Standing as = readiness.standing();
    if (!promised.equals(from) || !as.equals(promisedAs)) {
      rejected.incrementAndGet();
      throw new ServingException(
          ErrorCode.UNAVAILABLE,
          "NOT_COORDINATOR",
          "coordinator: " + from + " (expected: one that has asked for this member's state)");
    }
    return as;
  }

  /** What cannot be installed on a device is that device's failure, and logged there. */
  void awaitDevices(long epoch) {
    try {
      devices.apply(epoch).get(options.devices().toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.debug("epoch {} is not on all devices yet", epoch, e);
    }
  }

  void release(Collection<String> versionIds) {
    pool.releasePrepared(versionIds);
  }

  /** Tries to get whole copies of versions whose files are damaged here. */
  void repair(List<String> holders) {
    Set<String> damaged = pool.damaged();
    for (String id : damaged) {
      try {
        hold(id, holders);
      } catch (ServingException e) {
        LOG.warn("version {} stays damaged: {}", id, e.getMessage());
      }
    }
  }
}
