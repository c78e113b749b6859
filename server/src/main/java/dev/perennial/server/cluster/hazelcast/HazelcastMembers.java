package dev.perennial.server.cluster.hazelcast;

import com.hazelcast.cluster.Cluster;
import com.hazelcast.cluster.Member;
import com.hazelcast.cluster.MembershipEvent;
import com.hazelcast.cluster.MembershipListener;
import com.hazelcast.config.Config;
import com.hazelcast.core.ExecutionCallback;
import com.hazelcast.core.Hazelcast;
import com.hazelcast.core.HazelcastException;
import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceNotActiveException;
import com.hazelcast.core.LifecycleEvent;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The members of a Hazelcast cluster. Its list is ordered by age, and every member has the same
 * order; requests travel as tasks of its executors. Nothing is kept in its maps. Safe for any
 * thread.
 *
 * <p>A member says who it is in attributes that the others see as soon as they see it: members that
 * do not fit ({@link Identity}) are in nobody's view, and leave.
 */
public final class HazelcastMembers implements Members, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HazelcastMembers.class);
  private static final String CONTEXT = "perennial";

  private final HazelcastInstance instance;
  private final Identity identity;
  private final Map<Topic, UnaryOperator<byte[]>> answering = new ConcurrentHashMap<>();
  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();

  /** From the moment at which this member gives its group up until it is in another. */
  private volatile boolean rejoining;

  private HazelcastMembers(HazelcastInstance instance, Identity identity) {
    this.instance = instance;
    this.identity = identity;
  }

  /**
   * Finds the others, or starts a cluster. Throws FAILED_PRECONDITION where they serve another
   * backbone or speak another version; UNAVAILABLE where the network does not allow it.
   */
  public static HazelcastMembers join(ClusterConfig config, Identity identity) {
    HazelcastInstance instance = open(config, identity);
    HazelcastMembers members = new HazelcastMembers(instance, identity);
    boolean joined = false;
    try {
      members.requireFit();
      members.listen();
      members.tellWhoIsHere(config);
      joined = true;
      return members;
    } finally {
      if (!joined) {
        members.close();
      }
    }
  }

  private static HazelcastInstance open(ClusterConfig config, Identity identity) {
    Config settings = HazelcastSettings.config(config, identity.attributes());
    try {
      return Hazelcast.newHazelcastInstance(settings);
    } catch (RuntimeException e) { // some that it throws have no type of their own
      Throwable cause = e;
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "CANNOT_JOIN",
          "cluster at %s:%d, others %s: %s (expected: to join, or to start it; what the library said is above)"
              .formatted(config.host(), config.port(), config.join().where(), cause),
          e);
    }
  }

  /** A mistyped name leaves a member alone: it says so, and where it looked. */
  private void tellWhoIsHere(ClusterConfig config) {
    int count = instance.getCluster().getMembers().size();
    if (count == 1 && config.join().looksForOthers()) {
      LOG.warn(
          "alone in cluster {}: nobody found {}; looking again every {}",
          config.clusterName(),
          config.join().where(),
          config.mergeDelay());
    } else {
      LOG.info("in cluster {}: {} members", config.clusterName(), count);
    }
  }

  private void requireFit() {
    for (Member member : instance.getCluster().getMembers()) {
      if (member.localMember()) {
        return; // those that are younger have to fit us
      }
      identity.requireFits(member.getAddress().toString(), member.getAttributes());
    }
  }

  private void listen() {
    instance.getUserContext().put(CONTEXT, this);
    instance
        .getCluster()
        .addMembershipListener(
            new MembershipListener() {
              @Override
              public void memberAdded(MembershipEvent event) {
                LOG.info("member {} came: {} now", event.getMember(), event.getMembers().size());
                changed();
              }

              @Override
              public void memberRemoved(MembershipEvent event) {
                LOG.info("member {} left: {} now", event.getMember(), event.getMembers().size());
                changed();
              }
            });
    instance.getLifecycleService().addLifecycleListener(this::lifecycle);
  }

  private void lifecycle(LifecycleEvent event) {
    LifecycleEvent.LifecycleState state = event.getState();
    if (state == LifecycleEvent.LifecycleState.MERGING) {
      rejoining = true;
    } else if (state == LifecycleEvent.LifecycleState.MERGED
        || state == LifecycleEvent.LifecycleState.MERGE_FAILED) {
      rejoining = false;
      try {
        requireFit();
      } catch (ServingException e) {
        rejoining = true; // never in anybody's view again
        LOG.error("the other part of the cluster does not fit: restart this member", e);
      }
    }
    changed();
  }

  private void changed() {
    listeners.forEach(Runnable::run);
  }

  @Override
  public void serve(Topic topic, UnaryOperator<byte[]> how) {
    answering.put(topic, how);
  }

  @Override
  public void listen(Runnable changed) {
    listeners.add(changed);
  }

  static HazelcastMembers of(HazelcastInstance instance) {
    Object members = instance.getUserContext().get(CONTEXT);
    if (members instanceof HazelcastMembers here) {
      return here;
    }
    throw new IllegalStateException("this member is starting");
  }

  byte[] answer(String about, byte[] request) {
    Topic topic;
    try {
      topic = Topic.named(about);
    } catch (ServingException e) {
      return Wire.failure(e);
    }
    UnaryOperator<byte[]> how = answering.get(topic);
    if (how == null) {
      return Wire.failure(
          ServingException.unavailable(
              "MEMBER_STARTING",
              "this member: starting (expected: started)",
              Duration.ofSeconds(1)));
    }
    return how.apply(request);
  }

  @Override
  public View view() {
    try {
      if (!rejoining) {
        Cluster cluster = instance.getCluster();
        String self = cluster.getLocalMember().getUuid().toString();
        List<String> ids = new ArrayList<>();
        for (Member member : cluster.getMembers()) {
          if (identity.fits(member.getAttributes())) {
            ids.add(member.getUuid().toString());
          }
        }
        if (ids.contains(self)) {
          return new View(self, ids);
        }
      }
    } catch (HazelcastInstanceNotActiveException e) {
      LOG.debug("the library is between two groups", e);
    }
    throw ServingException.unavailable(
        "REJOINING", "this member: between two groups (expected: in one)", Duration.ofSeconds(1));
  }

  @Override
  public CompletableFuture<byte[]> ask(String member, Topic topic, Level level, byte[] request) {
    CompletableFuture<byte[]> answer = new CompletableFuture<>();
    try {
      instance
          .getExecutorService(HazelcastSettings.executor(topic, level))
          .submitToMember(new MemberCall(topic, request), find(member), new Callback(answer));
    } catch (HazelcastException
        | HazelcastInstanceNotActiveException
        | RejectedExecutionException
        | IllegalArgumentException e) {
      answer.completeExceptionally(e);
    }
    return answer;
  }

  private Member find(String id) {
    UUID uuid = UUID.fromString(id);
    return instance.getCluster().getMembers().stream()
        .filter(member -> Objects.equals(member.getUuid(), uuid))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("member " + id + " has left"));
  }

  private record Callback(CompletableFuture<byte[]> answer) implements ExecutionCallback<byte[]> {
    @Override
    public void onResponse(byte[] response) {
      answer.complete(response);
    }

    @Override
    public void onFailure(Throwable failure) {
      answer.completeExceptionally(failure);
    }
  }

  /** Leaves the cluster. Twice is fine. */
  @Override
  public void close() {
    instance.shutdown();
  }
}
