package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.LocalJobs.Held;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims this member's copies once their owners have left, and what it owns but doubts. Safe for
 * any thread; {@link #claimCopies} and {@link #settleDoubts} wait for the coordinator.
 */
final class Takeover {
  private static final Logger LOG = LoggerFactory.getLogger(Takeover.class);

  private final Channel<JobQuestion> members;
  private final Supplier<LocalJobs> local;
  private final OwnedJobs owned;
  private final JobBroadcast broadcast;
  private final RegistryClient registry;
  private final Wakeup wakeup;

  /** Who has offered each copy. */
  private final Map<String, String> offeredBy = new ConcurrentHashMap<>();

  /** Held while copies are claimed, over calls to the coordinator: no answer may need it. */
  private final Object claiming = new Object();

  Takeover(
      Channel<JobQuestion> members,
      Supplier<LocalJobs> local,
      OwnedJobs owned,
      JobBroadcast broadcast,
      RegistryClient registry,
      Wakeup wakeup) {
    this.members = members;
    this.local = local;
    this.owned = owned;
    this.broadcast = broadcast;
    this.registry = registry;
    this.wakeup = wakeup;
  }

  /** A copy is that member's: it is not claimed while that one is there. */
  void offered(String id, String member) {
    offeredBy.put(id, member);
  }

  /** A copy is needed no more. */
  void forget(String id) {
    offeredBy.remove(id);
  }

  /** Asks for copies whose owners are gone. */
  void claimCopies() {
    synchronized (claiming) {
      List<String> present = members.view().ids();
      String self = members.view().self();
      for (Held copy : local.get().copies()) {
        String owner = offeredBy.get(copy.id());
        if (owner != null && !owner.equals(self) && present.contains(owner)) {
          continue;
        }
        try {
          claim(copy);
        } catch (ServingException e) {
          LOG.info("{}: claimed again soon: {}", copy.id(), e.getMessage());
        }
      }
    }
  }

  /** Copies of which nobody can make anything, of uploads without a request and of nothing yet. */
  void deleteOrphans() {
    List<String> present = members.view().ids();
    offeredBy.forEach(
        (id, owner) -> {
          if (!present.contains(owner) && local.get().held(id).isEmpty()) {
            LOG.info("{}: copy deleted: nobody can go on with it", id);
            local.get().deleteCopy(id);
            offeredBy.remove(id);
          }
        });
  }

  private void claim(Held copy) {
    JobQuestion.Claimed answer = registry.claim(copy);
    if (answer.token() > 0) {
      Lease granted = copy.lease().withToken(answer.token());
      Lease lease = copy.committed() ? granted.asRegistered() : granted;
      offeredBy.remove(copy.id());
      broadcast.forget(copy.id());
      LOG.info("{}: adopted under token {}", copy.id(), lease.token());
      owned.adopt(copy, lease);
      wakeup.news();
    } else if (answer.drop()) {
      LOG.info("{}: copy dropped, another member has it", copy.id());
      local.get().deleteCopy(copy.id());
      offeredBy.remove(copy.id());
    }
  }

  /** Asks whether what is in doubt is still this member's. */
  void settleDoubts() {
    for (String id : owned.takeDoubted()) {
      boolean settled = false;
      try {
        settled = settle(id);
      } catch (ServingException e) {
        LOG.info("{}: asked for again soon: {}", id, e.getMessage());
      } finally {
        if (!settled) {
          owned.doubtStill(id);
        }
      }
    }
  }

  private boolean settle(String id) {
    Optional<Held> held = local.get().held(id);
    Mirror mirror = owned.mirror(id);
    if (held.isEmpty() || mirror == null) {
      return true;
    }
    JobQuestion.Claimed answer = registry.claim(held.get());
    if (answer.token() > 0) {
      if (mirror.lease().token() != answer.token()) {
        mirror.lease(mirror.lease().withToken(answer.token()));
      }
      return true;
    }
    if (answer.drop()) {
      LOG.warn("{}: another member has it: dropped here", id);
      owned.withdraw(id);
      local.get().abandon(id);
      return true;
    }
    return false;
  }
}
