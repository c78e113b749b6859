package dev.perennial.server.training.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.JobPeers;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one member's disk like this one's, for one upload or job. What is asked for is a state, not
 * a message: each pass compares what the other member has with the files here and sends the rest;
 * so a pass that fails is simply done again, and a new twin gets everything before anything further
 * counts as copied. One pass at a time. Safe for any thread.
 *
 * <p>Any other member may be the twin. One whose disk is full or broken refuses; then the next is
 * asked in the same pass, and only where all refuse, the pass has failed with that.
 */
final class Mirror {
  private static final Logger LOG = LoggerFactory.getLogger(Mirror.class);
  private static final Duration ANSWER = Duration.ofSeconds(5);
  private static final long AGAIN_MILLIS = 100;

  /** So often in a row a twin may fail before another one is looked for. */
  private static final int MAX_FAILURES = 3;

  private final String id;
  private final LocalJobs local;
  private final Channel<JobQuestion> members;
  private final ScheduledExecutorService threads;
  private final Runnable lost;

  @GuardedBy("this")
  private List<CompletableFuture<Void>> waiting = new ArrayList<>();

  @GuardedBy("this")
  private boolean running;

  @GuardedBy("this")
  private boolean closed;

  @GuardedBy("this")
  private Lease lease;

  @GuardedBy("this")
  private @Nullable String wanted;

  // Of one pass after the other.
  private volatile @Nullable String twin;
  private long sent;
  private int failures;
  private final Map<String, Long> sentFiles = new HashMap<>();

  /** Who refuses in this pass, and why. */
  private final Map<String, ServingException> refusals = new LinkedHashMap<>();

  /**
   * @param lost called where another member works on it
   */
  Mirror(
      String id,
      Lease lease,
      LocalJobs local,
      Channel<JobQuestion> members,
      ScheduledExecutorService threads,
      Runnable lost) {
    this.id = id;
    this.lease = lease;
    this.local = local;
    this.members = members;
    this.threads = threads;
    this.lost = lost;
  }

  synchronized Lease lease() {
    return lease;
  }

  synchronized void lease(Lease present) {
    lease = present;
    twin = null;
  }

  /** The job is its request's, after a restart too. */
  synchronized void registered() {
    Lease registered = lease.asRegistered();
    local.saveLease(id, registered);
    lease = registered;
  }

  /** Completes when what is here now is there too. */
  CompletableFuture<Void> copied() {
    CompletableFuture<Void> copied = new CompletableFuture<>();
    synchronized (this) {
      waiting.add(copied);
    }
    schedule(0);
    return copied;
  }

  /** The same, with that member as the twin and no other, until {@link #copiedToAny}. */
  CompletableFuture<Void> copiedTo(String member) {
    synchronized (this) {
      wanted = member;
      if (!member.equals(twin)) {
        twin = null;
      }
    }
    return copied();
  }

  synchronized void copiedToAny() {
    wanted = null;
  }

  /** Members came or went. */
  void look() {
    String present = twin;
    if (present == null || !members.view().ids().contains(present)) {
      var unused = copied();
    }
  }

  /** Who waits fails, now and from now on. Twice is fine. */
  void close() {
    synchronized (this) {
      closed = true;
    }
    schedule(0);
  }

  /**
   * The next pass, where somebody waits for one and none runs. Futures are completed without this
   * monitor: what hangs on them takes locks of its own.
   */
  private void schedule(long millis) {
    List<CompletableFuture<Void>> abandoned;
    synchronized (this) {
      if (!closed && (running || waiting.isEmpty() || begin(millis))) {
        return;
      }
      abandoned = waiting;
      waiting = new ArrayList<>();
    }
    abandoned.forEach(each -> each.completeExceptionally(closing()));
  }

  /** False where this member closes. */
  @GuardedBy("this")
  private boolean begin(long millis) {
    try {
      var unused = threads.schedule(this::pass, millis, TimeUnit.MILLISECONDS);
      running = true;
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  private ServingException closing() {
    return new ServingException(
        ErrorCode.UNAVAILABLE,
        JobPeers.CLOSING,
        "copies of " + id + ": none any more (expected: a running member)");
  }

  private void pass() {
    List<CompletableFuture<Void>> taken;
    synchronized (this) {
      taken = waiting;
      waiting = new ArrayList<>();
    }
    ServingException failure = null;
    try {
      copy();
    } catch (ServingException e) {
      failure = e;
      failures = e.reason().equals(LocalJobs.OTHER_LEASE) ? MAX_FAILURES : failures + 1;
    } catch (RuntimeException e) {
      LOG.error("copying {} failed", id, e);
      failure = new ServingException(ErrorCode.INTERNAL, "COPY_FAILED", "copy of " + id, e);
    }
    boolean again = failure != null && isPassing(failure);
    synchronized (this) {
      running = false;
      if (closed) {
        failure = closing(); // what was here may have been deleted meanwhile
      } else if (again) {
        taken.addAll(waiting);
        waiting = taken;
        taken = List.of();
      }
    }
    if (failure != null && again) {
      LOG.info("{}: copied again soon: {}", id, failure.getMessage());
    }
    schedule(again ? AGAIN_MILLIS : 0);
    for (CompletableFuture<Void> each : taken) {
      if (failure == null) {
        each.complete(null);
      } else {
        each.completeExceptionally(failure);
      }
    }
  }

  private static boolean isPassing(ServingException failure) {
    return failure.code() == ErrorCode.UNAVAILABLE
        || failure.reason().equals(LocalJobs.OTHER_LEASE);
  }

  /** To the twin; where that one refuses, to another. */
  private void copy() {
    refusals.clear();
    while (connect()) {
      String member = twin;
      try {
        send(member);
        failures = 0;
        freeRoom();
        return;
      } catch (ServingException e) {
        if (!refusals.containsKey(String.valueOf(member))) {
          throw e;
        }
        LOG.info("{}: member {} keeps no copy: {}", id, member, e.getMessage());
      }
    }
  }

  /** Who has refused may have older or half a copy. Not waited for: at the latest the end does. */
  private void freeRoom() {
    Lease present = lease();
    for (String member : refusals.keySet()) {
      var unused = members.ask(member, JobQuestion.Drop.before(id, present));
    }
  }

  /** False where nobody else is there. */
  private boolean connect() {
    View view = members.view();
    String present = twin;
    if (present != null
        && view.ids().contains(present)
        && failures < MAX_FAILURES
        && !refusals.containsKey(present)) {
      if (failures > 0) {
        offer(view, present, lease());
      }
      return true;
    }
    failures = 0;
    twin = null;
    ServingException silent = null;
    for (String member : candidates(view)) {
      try {
        Lease next = nextLease();
        sentFiles.clear();
        offer(view, member, next);
        LOG.info("{}: member {} keeps a copy under {}", id, member, next);
        return true;
      } catch (ServingException e) {
        if (e.reason().equals(LocalJobs.OTHER_LEASE)) {
          lost.run();
          throw e;
        }
        if (!refusals.containsKey(member) && !e.reason().equals(JobRegistry.STARTING)) {
          silent = e;
        }
      }
    }
    if (silent == null && !refusals.isEmpty()) {
      silent = refusals.values().iterator().next();
    }
    if (silent != null) {
      throw silent; // rather than a refusal: who is silent now may have room
    }
    return false;
  }

  /** The next in the ring first, so that members share the work. */
  private synchronized List<String> candidates(View view) {
    List<String> ring = new ArrayList<>(view.ids());
    Collections.rotate(ring, -ring.indexOf(view.self()));
    ring.remove(0);
    String only = wanted;
    if (only != null) {
      ring.retainAll(List.of(only));
    }
    ring.removeAll(refusals.keySet());
    return ring;
  }

  /** Another twin's copy is another generation: what a former one has is older. */
  private synchronized Lease nextLease() {
    lease = lease.nextGeneration();
    local.saveLease(id, lease);
    return lease;
  }

  private void offer(View view, String member, Lease present) {
    JobQuestion.Offer offer = new JobQuestion.Offer(view.self(), id, present);
    sent = ask(member, offer, JobQuestion.Copied.class).bytes();
    twin = member;
  }

  /** Notes it where the member would answer the same to another try. */
  private <T> T ask(String member, JobQuestion question, Class<T> kind) {
    try {
      return members.ask(member, question, kind, ANSWER);
    } catch (ServingException e) {
      if (!isPassing(e)) {
        refusals.put(member, e);
      }
      throw e;
    }
  }

  private void send(@Nullable String member) {
    Lease present = lease();
    if (member != null) {
      send(member, present);
    }
    if (member == null || !member.equals(twin) || Lease.AGE.compare(present, lease()) != 0) {
      // What was sent may be an older generation by now: it does not count as copied.
      throw ServingException.unavailable(
          "TWIN_CHANGED",
          "twin of " + id + ": another than " + member + " (expected: one at a time)",
          Duration.ofMillis(AGAIN_MILLIS));
    }
  }

  /** A job's record is sent behind the whole spool that it goes with: it is read before that. */
  private void send(String member, Lease present) {
    Map<String, byte[]> files = local.files(id);
    while (sent < local.spoolBytes(id)) {
      byte[] part = local.readSpool(id, sent, LocalJobs.MAX_PART_BYTES);
      if (part.length == 0) {
        break;
      }
      JobQuestion.Append append = new JobQuestion.Append(id, present, sent, part);
      sent = ask(member, append, JobQuestion.Copied.class).bytes();
    }
    files.forEach(
        (name, bytes) -> {
          CRC32C crc = new CRC32C();
          crc.update(bytes);
          Long before = sentFiles.get(name);
          if (before == null || before != crc.getValue()) {
            JobQuestion.Put put = new JobQuestion.Put(id, present, name, bytes);
            ask(member, put, JobQuestion.Done.class);
            sentFiles.put(name, crc.getValue());
          }
        });
  }
}
