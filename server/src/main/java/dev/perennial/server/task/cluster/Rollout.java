package dev.perennial.server.task.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolChange;
import dev.perennial.server.task.TaskPool;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the coordinator has decided, and how it comes to the members' disks: first the files that
 * are new, then the manifest that names them. Used under the coordinator's lock.
 *
 * <p>Who does not answer in time is <em>silent</em>: it is asked nothing more, and nobody waits for
 * it, until it was heard anew. Who may have a manifest that was not decided after all, is not that:
 * it has to be heard before the next change.
 */
final class Rollout {
  private static final Logger LOG = LoggerFactory.getLogger(Rollout.class);

  private final TaskPool pool;
  private final Channel<Request> members;
  private final Replica replica;
  private final ClusterOptions options;
  private final Heard others;

  /** What was decided last; this pool may have yet to reach it. */
  private Manifest decided = Manifest.empty();

  /** The highest epoch that was sent to anybody. */
  private long usedEpoch;

  Rollout(
      TaskPool pool,
      Channel<Request> members,
      Replica replica,
      ClusterOptions options,
      Heard others) {
    this.pool = pool;
    this.members = members;
    this.replica = replica;
    this.options = options;
    this.others = others;
  }

  Manifest decided() {
    return decided;
  }

  /** Whether this pool has what was decided. */
  boolean isHere() {
    return pool.manifest().equals(decided);
  }

  /** From now on, what this pool has was decided; the others are to be heard. */
  void beginWithOwn() {
    decided = pool.manifest();
  }

  /** What follows from what was decided under an epoch that nobody has seen. */
  Manifest next(PoolChange change) {
    return pool.decide(decided, change, usedEpoch);
  }

  /** What somebody knows, and all that was decided before: it is decided now. */
  void decide(Manifest union) {
    usedEpoch = Math.max(usedEpoch, union.epoch());
    decided = union;
  }

  /** Whether enough disks are known to have what was decided last. */
  boolean isDurable() {
    return others.having(decided) + (isHere() ? 1 : 0) >= enough();
  }

  /** Disks that must have a change before it is acknowledged. */
  private int enough() {
    return Math.min(2, 1 + others.settled().size());
  }

  /**
   * Members that have to be heard before a change: it needs them, or may overlook what they have.
   */
  List<String> toBeHeard() {
    return others.toBeHeard(enough() - (isHere() ? 1 : 0));
  }

  /**
   * Brings a manifest to enough disks, this one among them where it has room, or throws.
   *
   * @param holders members that have what is new; the change's author first
   */
  void bring(View view, Manifest next, List<String> holders) {
    List<String> added = new ArrayList<>(next.fileIds());
    added.removeAll(decided.fileIds());
    try {
      ServingException full = replica.store(added, holders);
      boolean here = full == null && pool.missing(next).isEmpty();
      int needed = enough() - (here ? 1 : 0);
      List<String> prepared = prepare(added, holders, needed);
      if (prepared.size() < needed) {
        throw full != null ? full : tooFew("can take", next, prepared);
      }
      List<String> agreed = install(view, prepared, next, holders, needed);
      if (agreed.size() < needed) {
        throw tooFew("have", next, agreed);
      }
      if (here && replica.reach(next, holders)) {
        decided = next;
        replica.awaitDevices(next.epoch());
      } else if (agreed.size() < enough()) {
        throw tooFew("have", next, agreed);
      }
    } catch (ServingException e) {
      if (!decided.equals(next)) {
        release(added, holders.get(0));
      }
      throw e;
    }
  }

  private ServingException tooFew(String what, Manifest next, List<String> agreed) {
    return ServingException.unavailable(
        "NOT_REPLICATED",
        "disks that %s epoch %d: %d of the others' %d (expected: %d, this one among them if it can)"
            .formatted(what, next.epoch(), agreed.size(), others.settled().size(), enough()),
        Duration.ofSeconds(1));
  }

  /** The other members that have stored the versions; at least one, where there is one. */
  private List<String> prepare(List<String> added, List<String> holders, int needed) {
    List<String> asked = others.listening();
    if (added.isEmpty()) {
      return asked;
    }
    Round<Request.Prepared> round = new Round<>(members, asked, Request.Prepared.class, options);
    round.ask(
        new Request.Prepare(added, holders),
        Math.max(1, needed),
        answer -> answer.remaining() == 0);
    round
        .failures()
        .forEach((member, e) -> LOG.warn("member {} stores nothing: {}", member, e.getMessage()));
    round.silent().forEach(others::silent);
    if (round.agreed().isEmpty() && !asked.isEmpty()) {
      throw round.failures().values().stream()
          .filter(e -> e.code() == ErrorCode.RESOURCE_EXHAUSTED)
          .findFirst()
          .orElseGet(
              () ->
                  ServingException.unavailable(
                      "NOT_REPLICATED",
                      "members that have stored " + added + ": none (expected: one)",
                      Duration.ofSeconds(1)));
    }
    return round.agreed();
  }

  /** Brings what was decided to members that were heard; returns those that have it now. */
  List<String> bringBehind(View view) {
    return install(view, others.behind(decided), decided, view.ids(), 1);
  }

  /**
   * Sends the manifest to members that have its versions; returns those that have it now. Once one
   * has it, it is decided: on a disk, whatever comes now, it is not undone.
   */
  private List<String> install(
      View view, List<String> asked, Manifest next, List<String> holders, int needed) {
    usedEpoch = Math.max(usedEpoch, next.epoch());
    Round<Request.Installed> round = new Round<>(members, asked, Request.Installed.class, options);
    round.ask(
        new Request.Install(view.self(), next, holders, true),
        Math.max(1, needed),
        answer -> answer.manifest().equals(next));
    if (!round.agreed().isEmpty()) {
      decided = next;
    }
    for (String member : asked) {
      if (round.agreed().contains(member)) {
        others.settle(member, next);
        continue;
      }
      if (round.silent().contains(member) && decided.equals(next)) {
        others.silent(member);
      } else {
        others.lost(member);
      }
      LOG.info("member {} is behind epoch {}", member, next.epoch());
    }
    return round.agreed();
  }

  /** A change's author keeps its file: it tries again, and lets go of it by itself. */
  private void release(List<String> added, String author) {
    if (added.isEmpty()) {
      return;
    }
    for (String member : others.settled()) {
      if (!member.equals(author)) {
        var unused = members.ask(member, new Request.Release(added));
      }
    }
    replica.release(added);
  }
}
