package dev.perennial.server.task.cluster;

import dev.perennial.server.cluster.Answers;
import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;

/**
 * One request to several members at a time. Waits until enough have agreed as long as an answer may
 * take, and then for the others as long as there is patience. Used by one thread.
 */
final class Round<T> {
  private final Channel<Request> members;
  private final List<String> asked;
  private final Class<T> kind;
  private final ClusterOptions options;
  private final List<String> agreed = new ArrayList<>();
  private final Map<String, ServingException> failures = new HashMap<>();
  private final Set<String> silent = new HashSet<>();

  Round(Channel<Request> members, List<String> asked, Class<T> kind, ClusterOptions options) {
    this.members = members;
    this.asked = asked;
    this.kind = kind;
    this.options = options;
  }

  void ask(Request request, int enough, Predicate<T> agrees) {
    Map<String, CompletableFuture<byte[]>> answers = members.askAll(asked, request);
    AtomicInteger agreeing = new AtomicInteger();
    CompletableFuture<Void> reached = new CompletableFuture<>();
    for (CompletableFuture<byte[]> answer : answers.values()) {
      var unused =
          answer.thenAccept(
              content -> {
                if (agrees.test(Wire.read(content, kind)) && agreeing.incrementAndGet() == enough) {
                  reached.complete(null);
                }
              });
    }
    CompletableFuture<Void> all =
        CompletableFuture.allOf(answers.values().toArray(CompletableFuture<?>[]::new));
    await(CompletableFuture.anyOf(reached, all.exceptionally(e -> null)), options.answer());
    await(all, options.patience());
    answers.forEach(
        (member, answer) -> {
          if (!answer.isDone()) {
            silent.add(member);
          }
          count(member, answer, agrees);
        });
  }

  private static void await(CompletableFuture<?> future, Duration timeout) {
    try {
      future.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (java.util.concurrent.ExecutionException | TimeoutException e) {
      return; // each answer is looked at by itself
    }
  }

  private void count(String member, CompletableFuture<byte[]> answer, Predicate<T> agrees) {
    try {
      if (agrees.test(Wire.read(Answers.await(member, answer, Duration.ZERO), kind))) {
        agreed.add(member);
      }
    } catch (ServingException e) {
      failures.put(member, e);
    }
  }

  List<String> agreed() {
    return agreed;
  }

  /** Members that have not answered in time; they are among those that failed. */
  Set<String> silent() {
    return silent;
  }

  Map<String, ServingException> failures() {
    return failures;
  }
}
