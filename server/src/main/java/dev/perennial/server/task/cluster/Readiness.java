package dev.perennial.server.task.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a member serves the cluster's pool as it should. Safe for any thread.
 *
 * <p>It does once it was <em>heard</em>, by its coordinator or, where it is the coordinator, as one
 * that has heard all others, and has what was decided. That holds under one member id, which ends
 * when it leaves the group, and as long as this process does not stand still: the others may have
 * given it up meanwhile, and it would be the only one that does not know.
 */
final class Readiness {
  private static final Logger LOG = LoggerFactory.getLogger(Readiness.class);

  static final String NOT_READY = "NOT_READY";
  private static final String STOOD_STILL = "STOOD_STILL";
  private static final String CATCHING_UP = "CATCHING_UP";

  /** Times the limit of standing still, for which such a member waits for the others. */
  private static final int ASIDE = 6;

  /**
   * Who this process is to the others; another one as soon as they may have given it up. What was
   * agreed on as one does not hold as another.
   *
   * @param stops how often the process has stood still
   */
  record Standing(String memberId, long stops) {}

  private final Channel<Request> members;
  private final Duration standStill;
  private final Pulse pulse;
  private final Runnable changed;

  /** What it was when it was last heard. */
  @GuardedBy("this")
  private @Nullable Standing settled;

  /** Whether it had nobody to agree with then. */
  @GuardedBy("this")
  private boolean alone;

  /** What keeps this member behind; empty where nothing does. */
  @GuardedBy("this")
  private String trouble = CATCHING_UP;

  /** Changes that were asked of this member after it had stood still. */
  @GuardedBy("this")
  private long rejected;

  /** Stops that were logged. */
  @GuardedBy("this")
  private long told;

  /**
   * The others remove a member that is silent for the time to stand still, counted from its last
   * sign of life, which may be some time before it stops; so half of it is too long already.
   *
   * @param changed is told, holding no lock of this, when something has changed here
   */
  Readiness(
      Channel<Request> members, Duration standStill, LongSupplier nanoTime, Runnable changed) {
    this.members = members;
    this.standStill = standStill;
    this.pulse = new Pulse(standStill.dividedBy(2), nanoTime);
    this.changed = changed;
  }

  /** Throws UNAVAILABLE (REJOINING) on the way from one group to another. */
  Standing standing() {
    return new Standing(members.view().self(), pulse.stops());
  }

  /** To be called much more often than the limit of standing still. */
  void beat() {
    long stops = pulse.stops();
    synchronized (this) {
      if (stops == told) {
        return;
      }
      told = stops;
    }
    LOG.warn("this process stood still: it is to be heard anew");
    changed.run();
  }

  /**
   * This member was heard, whether or not it has what is decided.
   *
   * @param as what it was then
   * @param byItself whether there was nobody else
   */
  synchronized void heard(Standing as, boolean byItself) {
    settled = as;
    alone = byItself;
  }

  /** This member was heard, as above, and has what is decided. */
  void caughtUp(Standing as, boolean byItself) {
    boolean news;
    synchronized (this) {
      news = !ready();
      heard(as, byItself);
      trouble = "";
      news &= ready();
    }
    if (news) {
      LOG.info("this member: ready");
      changed.run();
    }
  }

  /** Something keeps this member from what is decided. */
  void behind(ServingException why) {
    behind(why.reason(), String.valueOf(why.getMessage()));
  }

  /** It is on its way. */
  void catchingUp() {
    behind(CATCHING_UP, "files are being fetched");
  }

  private void behind(String reason, String message) {
    synchronized (this) {
      if (trouble.equals(reason)) {
        return;
      }
      trouble = reason;
    }
    LOG.warn("this member: {}: {}", reason, message);
    changed.run();
  }

  boolean ready() {
    return trouble().isEmpty();
  }

  /** Why this member is not ready, in UPPER_SNAKE_CASE; empty where it is. */
  synchronized String trouble() {
    String unheard = unheard();
    return unheard.equals(STOOD_STILL) || trouble.isEmpty() ? unheard : trouble;
  }

  /** Why this member has to be heard; empty where it was. */
  private synchronized String unheard() {
    if (settled == null) {
      return CATCHING_UP;
    } else if (settled.stops() != pulse.stops()) {
      return STOOD_STILL;
    }
    try {
      return settled.memberId().equals(members.view().self()) ? "" : CATCHING_UP;
    } catch (ServingException e) {
      return e.reason(); // on the way from one group to another
    }
  }

  /** Throws UNAVAILABLE where this member is not ready. */
  void require() {
    require(trouble());
  }

  /** Throws UNAVAILABLE where this member may not decide for others: it is to be heard before. */
  void requireHeard() {
    require(unheard());
  }

  private void require(String why) {
    if (!why.isEmpty()) {
      synchronized (this) {
        rejected += why.equals(STOOD_STILL) ? 1 : 0;
      }
      throw notReady(why);
    }
  }

  /** Changes that were refused because this member had stood still. */
  synchronized long rejected() {
    return rejected;
  }

  /**
   * Throws UNAVAILABLE where this member finds itself alone after it stood still, and was not
   * before: the others may go on without it, so it waits for them for some time before it decides
   * anything by itself.
   *
   * @param view under which it wants to decide
   */
  synchronized void requireCompany(View view) {
    if (view.others().isEmpty()
        && settled != null
        && !alone
        && settled.stops() != pulse.stops()
        && pulse.stoodStillWithin(standStill.multipliedBy(ASIDE))) {
      throw notReady(STOOD_STILL);
    }
  }

  private static ServingException notReady(String why) {
    return ServingException.unavailable(
        NOT_READY, "this member: " + why + " (expected: ready)", Duration.ofSeconds(1));
  }
}
