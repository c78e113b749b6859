package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Uploads that need no copy any more: every member is told until it has answered or left, for any
 * may have been a twin. {@link #send} is the tending thread's; the rest is safe for any thread.
 */
final class CopyDrops {
  private static final Logger LOG = LoggerFactory.getLogger(CopyDrops.class);

  /** One member that is to be told. */
  private record Told(String member, String id) {}

  private final Channel<JobQuestion> members;

  /** What nobody was told of yet, by its id. */
  private final Map<String, JobQuestion.Drop> fresh = new ConcurrentHashMap<>();

  private final Map<Told, JobQuestion.Drop> pending = new ConcurrentHashMap<>();

  CopyDrops(Channel<JobQuestion> members) {
    this.members = members;
  }

  /**
   * @param token the last under which this member worked on it
   */
  void add(String id, long token) {
    fresh.put(id, JobQuestion.Drop.all(id, token));
  }

  /** Does not wait: what fails is pending again, and sent the next time. */
  void send() {
    View view = members.view();
    for (JobQuestion.Drop drop : List.copyOf(fresh.values())) {
      view.others().forEach(member -> pending.put(new Told(member, drop.id()), drop));
      fresh.remove(drop.id());
    }
    for (Map.Entry<Told, JobQuestion.Drop> next : Map.copyOf(pending).entrySet()) {
      Told told = next.getKey();
      pending.remove(told);
      if (view.others().contains(told.member())) {
        var unused =
            members
                .ask(told.member(), next.getValue())
                .whenComplete((answer, e) -> answered(told, next.getValue(), answer, e));
      }
    }
  }

  private void answered(
      Told told, JobQuestion.Drop drop, byte @Nullable [] answer, @Nullable Throwable failure) {
    try {
      if (answer != null) {
        Wire.read(answer, JobQuestion.Done.class);
        return;
      }
    } catch (ServingException e) {
      LOG.debug("member {} does not drop a copy", told.member(), e);
    }
    if (failure != null) {
      LOG.debug("member {} is not reached", told.member(), failure);
    }
    pending.put(told, drop);
  }
}
