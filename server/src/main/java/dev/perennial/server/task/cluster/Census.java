package dev.perennial.server.task.cluster;

import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.ClusterView;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

/** Asks all members how they are. Stateless. */
final class Census {
  /** How long the other members are waited for. */
  private static final Duration PATIENCE = Duration.ofSeconds(2);

  private Census() {}

  /** All members; those that do not answer are not reachable. */
  static ClusterView take(
      Channel<Request> members, ClusterView.Member self, Request.Describe request) {
    View view = members.view();
    Map<String, CompletableFuture<byte[]>> answers = members.askAll(view.others(), request);
    long until = System.nanoTime() + PATIENCE.toNanos();
    List<ClusterView.Member> described = new ArrayList<>();
    for (String member : view.ids()) {
      CompletableFuture<byte[]> answer = answers.get(member);
      described.add(
          answer == null
              ? self
              : read(member, answer, Duration.ofNanos(until - System.nanoTime())));
    }
    return new ClusterView(described);
  }

  private static ClusterView.Member read(
      String member, CompletableFuture<byte[]> answer, Duration timeout) {
    try {
      return Wire.read(Answers.await(member, answer, timeout), ClusterView.Member.class);
    } catch (ServingException e) {
      return ClusterView.Member.unreachable(member, e.reason());
    }
  }
}
