package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.LocalJobs.Held;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Claims this member's copies once their owners have left, and what it owns but doubts. Safe for
 * any thread; {@link #claimCopies} and {@link #settleDoubts} wait for the coordinator.
 */
final class Takeover {
  private static final Logger LOG = LoggerFactory.getLogger(Takeover.class);

  /** How long a member to which an upload was handed over may take to claim it. */
  private static final Duration HAND_OVER = Duration.ofSeconds(5);

  /** Whose a copy is: until then, or for as long as it is there (the highest number). */
  record Offer(String member, long untilNanos) {
    boolean holds() {
      return untilNanos == Long.MAX_VALUE || System.nanoTime() - untilNanos < 0;
    }
  }

  private final Channel<JobQuestion> members;
  private final Supplier<LocalJobs> local;
  private final OwnedJobs owned;
  private final JobBroadcast broadcast;
  private final RegistryClient registry;
  private final Wakeup wakeup;

  /** Who has offered each copy. */
  private final Map<String, Offer> offeredBy = new ConcurrentHashMap<>();

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

  /** A copy is that member's: it is not claimed while that one is there. Whose it was before. */
  @Nullable Offer offered(String id, String member) {
    return offeredBy.put(id, new Offer(member, Long.MAX_VALUE));
  }

  /** That member's offer was refused: the copy is whose it was. */
  void refused(String id, String member, @Nullable Offer before) {
    Offer now = offeredBy.get(id);
    if (now != null && now.member().equals(member)) {
      if (before == null) {
        offeredBy.remove(id, now);
      } else {
        offeredBy.replace(id, now, before);
      }
    }
  }

  /** A copy is that member's if it comes for it soon: it may never have heard of that. */
  void handedOver(String id, String member) {
    offeredBy.put(id, new Offer(member, System.nanoTime() + HAND_OVER.toNanos()));
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
        Offer offer = offeredBy.get(copy.id());
        if (offer != null
            && offer.holds()
            && !offer.member().equals(self)
            && present.contains(offer.member())) {
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
        (id, offer) -> {
          if (!present.contains(offer.member()) && local.get().held(id).isEmpty()) {
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
