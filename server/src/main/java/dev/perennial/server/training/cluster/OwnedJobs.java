package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.LocalJobs.Held;
import dev.perennial.server.training.TrainingJob;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The uploads and jobs that this member works on, a {@link Mirror} each, and what is not certain of
 * them. Safe for any thread; waits for the disk, never for another member.
 */
final class OwnedJobs {
  private final Supplier<LocalJobs> local;
  private final Channel<JobQuestion> members;
  private final ScheduledExecutorService threads;
  private final Wakeup wakeup;
  private final Map<String, Mirror> mirrors = new ConcurrentHashMap<>();

  /** What another member may have. */
  private final Set<String> doubted = ConcurrentHashMap.newKeySet();

  /** What the coordinator does not know as its request's job: nobody is told of it. */
  private final Set<String> unregistered = ConcurrentHashMap.newKeySet();

  /** Held while a copy becomes this member's own, and while it is looked what it has. */
  private final Object adopting = new Object();

  /**
   * @param threads on which mirrors copy
   */
  OwnedJobs(
      Supplier<LocalJobs> local,
      Channel<JobQuestion> members,
      ScheduledExecutorService threads,
      Wakeup wakeup) {
    this.local = local;
    this.members = members;
    this.threads = threads;
    this.wakeup = wakeup;
  }

  /** Whether this member works on it; its files are in their place then. */
  boolean has(String id) {
    synchronized (adopting) {
      return mirrors.containsKey(id);
    }
  }

  @Nullable Mirror mirror(String id) {
    return mirrors.get(id);
  }

  /** The fencing token under which this member works on it; 0 where it does not. */
  long token(String id) {
    Mirror mirror = mirrors.get(id);
    return mirror == null ? 0 : mirror.lease().token();
  }

  /** An upload begins here. */
  void open(String id) {
    unregistered.add(id);
    own(id, new Lease(1, 0, false));
  }

  /** A copy is this member's own from now on. */
  void adopt(Held copy, Lease lease) {
    Mirror mirror;
    synchronized (adopting) {
      if (copy.committed()) {
        unregistered.remove(copy.id());
      } else {
        unregistered.add(copy.id());
      }
      mirror = own(copy.id(), lease);
      try {
        local.get().adopt(copy.id(), lease);
      } catch (ServingException e) {
        close(forget(copy.id())); // it is a copy as before
        throw e;
      }
    }
    var unused = mirror.copied();
  }

  private Mirror own(String id, Lease lease) {
    return mirrors.computeIfAbsent(
        id, any -> new Mirror(id, lease, local.get(), members, threads, () -> doubt(id)));
  }

  /** The coordinator knows a job as its request's; durable on return. */
  void registered(String id) {
    Mirror mirror = mirrors.get(id);
    if (mirror != null) {
      mirror.registered();
    }
    unregistered.remove(id);
  }

  /** This member works on it no more; its mirror, closed, where it did. */
  @Nullable Mirror release(String id) {
    Mirror mirror = forget(id);
    close(mirror);
    return mirror;
  }

  private @Nullable Mirror forget(String id) {
    doubted.remove(id);
    unregistered.remove(id);
    return mirrors.remove(id);
  }

  private static void close(@Nullable Mirror mirror) {
    if (mirror != null) {
      mirror.close();
    }
  }

  /** An upload becomes a copy; false where somebody goes on with it here. */
  boolean handOver(String id) {
    Mirror mirror;
    synchronized (adopting) {
      if (!local.get().handOver(id)) {
        return false;
      }
      mirror = forget(id);
    }
    close(mirror);
    return true;
  }

  /** Another member has it: nothing is copied from here on; its files are still to be deleted. */
  void withdraw(String id) {
    close(mirrors.remove(id));
  }

  void doubt(String id) {
    if (mirrors.containsKey(id)) {
      doubted.add(id);
      wakeup.stir();
    }
  }

  /** The same, by whoever could not settle it: it is looked at again before long anyway. */
  void doubtStill(String id) {
    if (mirrors.containsKey(id)) {
      doubted.add(id);
    }
  }

  void doubtAll() {
    doubted.addAll(mirrors.keySet());
  }

  /** What is in doubt; no more after this, unless somebody doubts it again. */
  List<String> takeDoubted() {
    List<String> taken = List.copyOf(doubted);
    taken.forEach(doubted::remove);
    return taken;
  }

  /** Mirrors whose twin has left look for another one. */
  void lookForTwins() {
    mirrors.values().forEach(Mirror::look);
  }

  /** The jobs of this server that are their requests' for certain, and what it knows of others'. */
  List<TrainingJob> registeredJobs() {
    return local.get().jobs().stream().filter(job -> !unregistered.contains(job.jobId())).toList();
  }

  /** For a new coordinator. */
  JobQuestion.Heard heard() {
    Map<String, String> requests = new HashMap<>();
    for (TrainingJob job : registeredJobs()) {
      requests.put(job.spec().requestId(), job.jobId());
    }
    return new JobQuestion.Heard(held(), requests);
  }

  /** What this member has of a request. */
  JobQuestion.Found found(String requestId) {
    synchronized (adopting) {
      List<byte[]> jobs =
          registeredJobs().stream()
              .filter(job -> job.spec().requestId().equals(requestId))
              .map(job -> JobJson.write(job, false))
              .toList();
      return new JobQuestion.Found(
          of(requestId, held()), of(requestId, local.get().copies()), jobs);
    }
  }

  /** Whether this member works on an upload or a job of a request, ready to be gone on with. */
  boolean worksOn(String requestId) {
    synchronized (adopting) {
      return !of(requestId, held()).isEmpty();
    }
  }

  /** Bytes of the spool of one, the greatest; -1 where there is none. */
  long bytes(String requestId) {
    synchronized (adopting) {
      return of(requestId, held()).stream().mapToLong(Held::bytes).max().orElse(-1);
    }
  }

  /** Whether it has a copy of one. */
  boolean hasCopy(String requestId) {
    return !of(requestId, local.get().copies()).isEmpty();
  }

  private List<Held> held() {
    List<Held> held = new ArrayList<>();
    for (String id : mirrors.keySet()) {
      local.get().held(id).ifPresent(held::add);
    }
    return held;
  }

  private static List<Held> of(String requestId, List<Held> all) {
    return all.stream().filter(held -> held.requestId().equals(requestId)).toList();
  }

  /** What waits for copies fails. Twice is fine. */
  void close() {
    mirrors.values().forEach(Mirror::close);
  }
}
