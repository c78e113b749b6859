package dev.perennial.server.training.cluster;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wakeup;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Fence;
import dev.perennial.server.training.JobJson;
import dev.perennial.server.training.JobState;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs;
import dev.perennial.server.training.LocalJobs.Held;
import dev.perennial.server.training.SampleJobs;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the oldest of a few members decides; the others answer, or are silent. */
@Timeout(120)
class JobRegistryTest {
  private static final JobQuestion.Heard NOTHING = new JobQuestion.Heard(List.of(), Map.of());
  private static final JobQuestion.Found NO_COPY = JobQuestion.Found.NOTHING;

  /** A question that is not answered yet. */
  private record Waiting(String member, CompletableFuture<byte[]> answer) {}

  private final Network network = new Network();
  private final ScheduledExecutorService copies = Executors.newSingleThreadScheduledExecutor();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Channel<JobQuestion> channel =
      new Channel<>(network, Members.Topic.TRAINING, JobQuestion.WIRE);
  private final JobRegistry registry =
      new JobRegistry(
          channel,
          new OwnedJobs(
              JobRegistryTest::nothing, channel, copies, new Wakeup(Duration.ofMillis(500))),
          id -> false);

  @AfterEach
  void close() {
    copies.shutdownNow();
    threads.shutdownNow();
  }

  /** A member that has no job. */
  private static LocalJobs nothing() {
    return (LocalJobs)
        Proxy.newProxyInstance(
            LocalJobs.class.getClassLoader(),
            new Class<?>[] {LocalJobs.class},
            (proxy, method, arguments) -> List.of());
  }

  private static final class Network implements Members {
    volatile View view = new View("a", List.of("a", "b", "c"));
    final Set<String> silent = ConcurrentHashMap.newKeySet();
    final BlockingQueue<Waiting> waiting = new LinkedBlockingQueue<>();
    volatile JobQuestion.Heard heard = NOTHING;
    volatile JobQuestion.Found found = JobQuestion.Found.NOTHING;

    @Override
    public View view() {
      return view;
    }

    @Override
    public CompletableFuture<byte[]> ask(String member, Topic topic, Level level, byte[] request) {
      if (silent.contains(member)) {
        CompletableFuture<byte[]> answer = new CompletableFuture<>();
        waiting.add(new Waiting(member, answer));
        return answer;
      }
      boolean hear = new String(request, UTF_8).contains("Hear");
      return CompletableFuture.completedFuture(
          Wire.answer(member.equals("c") ? hear ? heard : found : hear ? NOTHING : NO_COPY));
    }

    @Override
    public void serve(Topic topic, UnaryOperator<byte[]> answering) {}

    @Override
    public void listen(Runnable changed) {}
  }

  private Waiting asked() throws InterruptedException {
    return Objects.requireNonNull(
        network.waiting.poll(60, TimeUnit.SECONDS), "nobody was asked for a minute");
  }

  private CompletableFuture<Void> require(String job, long token, String from) {
    return CompletableFuture.runAsync(() -> registry.require(new Fence(job, token), from), threads);
  }

  private void register(String job, String member) {
    byte[] bytes =
        JobJson.write(SampleJobs.job(job, "request-" + job, Instant.EPOCH, JobState.QUEUED), false);
    assertEquals(job, registry.register(new JobQuestion.Register(member, 1, bytes)).jobId());
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(60, TimeUnit.SECONDS);
  }

  @Test
  void require_whileTheBestCopyOfAnUploadIsLookedFor_doesNotWait() throws Exception {
    register("job", "b");
    network.silent.add("c");
    Held copy = new Held("upload", "request-upload", new Lease(1, 1, false), 10, false);
    CompletableFuture<JobQuestion.Claimed> claimed =
        CompletableFuture.supplyAsync(
            () -> registry.claim(new JobQuestion.Claim("b", copy)), threads);
    Waiting find = asked();
    assertEquals("c", find.member());
    registry.require(new Fence("job", 1), "b"); // another's job is published
    assertFalse(claimed.isDone());
    find.answer().complete(Wire.answer(JobQuestion.Found.NOTHING));
    assertEquals(2, get(claimed).token());
  }

  /** Nothing is decided before everybody was heard; who waits for that waits side by side. */
  @Test
  void require_aMemberIsNotHeardYet_allWaitForItTogether() throws Exception {
    register("job", "b");
    network.silent.add("d");
    network.view = new View("a", List.of("a", "b", "c", "d"));
    CompletableFuture<Void> first = require("job", 1, "b");
    CompletableFuture<Void> second = require("job", 1, "b");
    List<Waiting> hear = List.of(asked(), asked());
    assertFalse(first.isDone() || second.isDone());
    hear.forEach(each -> each.answer().complete(Wire.answer(NOTHING)));
    get(first);
    get(second);
  }

  /** Meanwhile another member was the oldest: what was answered before may be no more. */
  @Test
  void require_answerToAnEarlierTerm_isAskedForAgain() throws Exception {
    network.silent.add("c");
    CompletableFuture<Void> required = require("job", 7, "c");
    Waiting before = asked();
    network.view = new View("a", List.of("b", "a", "c"));
    assertEquals(
        "NOT_COORDINATOR",
        assertThrows(ServingException.class, () -> registry.require(new Fence("job", 7), "c"))
            .reason());
    network.view = new View("a", List.of("a", "b", "c"));
    before.answer().complete(Wire.answer(NOTHING));
    Held job = new Held("job", "request", new Lease(7, 1, true), 10, true);
    asked()
        .answer()
        .complete(Wire.answer(new JobQuestion.Heard(List.of(job), Map.of("request", "job"))));
    get(required);
  }

  private static Held held(Lease lease, long bytes, boolean committed) {
    return new Held("one", "request", lease, bytes, committed);
  }

  private long claim(Held copy) {
    return registry.claim(new JobQuestion.Claim("b", copy)).token();
  }

  /** Its first bytes were sent to a new twin when the owner died. */
  @Test
  void claim_newerGenerationOfFewerBytes_isNotTheBestCopy() {
    Held former = held(new Lease(1, 1, false), 13, false);
    network.found = new JobQuestion.Found(List.of(), List.of(former), List.of());
    assertEquals(0, claim(held(new Lease(1, 2, false), 5, false)));
    assertEquals(2, claim(held(new Lease(1, 2, false), 13, false)));
  }

  /** It lost it to another member, which has died since, and was not told of that. */
  @Test
  void claim_ownerByAnOlderRight_doesNotCount() {
    network.heard =
        new JobQuestion.Heard(
            List.of(held(new Lease(1, 1, true), 13, true)), Map.of("request", "one"));
    assertEquals(0, claim(held(new Lease(1, 1, true), 13, true)));
    assertEquals(3, claim(held(new Lease(2, 1, true), 13, true)));
  }

  @Test
  void claim_uploadIsGoneOnWithByAnOlderRight_doesNotCount() {
    Held stale = held(new Lease(1, 1, false), 20, false);
    network.heard = new JobQuestion.Heard(List.of(stale), Map.of());
    network.found = new JobQuestion.Found(List.of(stale), List.of(), List.of());
    assertEquals(0, claim(held(new Lease(1, 2, false), 20, false)));
    assertEquals(3, claim(held(new Lease(2, 1, false), 13, false)));
  }
}
