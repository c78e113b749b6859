package dev.perennial.server.training.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.fail;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.Members;
import dev.perennial.server.cluster.View;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** A mirror and one other member, in memory. */
class MirrorTest {
  private static final int SPOOL = 10;

  /** Bytes that the other member has, by the lease that it has them under. */
  private final Map<Lease, Long> copies = new ConcurrentHashMap<>();

  /** Bytes that are here. */
  private volatile int spool = SPOOL;

  /** The files beside them, as they are looked for. */
  private volatile Supplier<Map<String, byte[]>> files = Map::of;

  private final AtomicBoolean granted = new AtomicBoolean();
  private final ScheduledExecutorService threads = Executors.newSingleThreadScheduledExecutor();
  private final Channel<JobQuestion> channel =
      new Channel<>(new Network(), Members.Topic.TRAINING, JobQuestion.WIRE);
  private final Mirror mirror =
      new Mirror("job", new Lease(1, 0, true), local(), channel, threads, () -> fail("lost"));

  /** What is here: a spool. */
  private LocalJobs local() {
    return (LocalJobs)
        Proxy.newProxyInstance(
            LocalJobs.class.getClassLoader(),
            new Class<?>[] {LocalJobs.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "spoolBytes" -> (long) spool;
                  case "readSpool" -> new byte[spool - Math.toIntExact((Long) arguments[1])];
                  case "files" -> files.get();
                  case "saveLease" -> null;
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  /** Both ends of the wire. */
  private static final class Network implements Members {
    private volatile UnaryOperator<byte[]> answering = request -> request;

    @Override
    public View view() {
      return new View("here", List.of("here", "other"));
    }

    @Override
    public CompletableFuture<byte[]> ask(String member, Topic topic, Level level, byte[] request) {
      return CompletableFuture.completedFuture(answering.apply(request));
    }

    @Override
    public void serve(Topic topic, UnaryOperator<byte[]> answerer) {
      answering = answerer;
    }

    @Override
    public void listen(Runnable changed) {}
  }

  /** Keeps copies; while it is sent the first bytes, the owner is granted another lease. */
  private byte[] answer(JobQuestion question) {
    if (question instanceof JobQuestion.Offer offer) {
      copies.put(offer.lease(), 0L);
      return Wire.answer(new JobQuestion.Copied(0));
    }
    JobQuestion.Append append = (JobQuestion.Append) question;
    if (granted.compareAndSet(false, true)) {
      mirror.lease(new Lease(7, 0, true));
    }
    long bytes = append.offset() + append.bytes().length;
    copies.put(append.lease(), bytes);
    return Wire.answer(new JobQuestion.Copied(bytes));
  }

  /** Bytes under a former lease are not a copy: a twin under the present one is waited for. */
  @Test
  void copied_leaseChangesMeanwhile_countsUnderTheNewOneOnly() throws Exception {
    channel.answer(this::answer);
    try {
      mirror.copied().get(60, TimeUnit.SECONDS);
      assertEquals(7, mirror.lease().token());
      assertEquals(SPOOL, copies.get(mirror.lease()));
    } finally {
      mirror.close();
      threads.shutdownNow();
    }
  }

  /** What hangs on the futures takes locks of its own, and may need another thread that asks. */
  @Test
  void close_somebodyWaits_isToldWithoutTheMonitor() throws Exception {
    CompletableFuture<Void> released = new CompletableFuture<>();
    threads.execute(released::join); // no pass begins
    CompletableFuture<Lease> seenByAnother = new CompletableFuture<>();
    var unused =
        mirror
            .copied()
            .whenComplete(
                (copied, e) ->
                    seenByAnother.complete(
                        CompletableFuture.supplyAsync(mirror::lease)
                            .orTimeout(60, TimeUnit.SECONDS)
                            .join()));
    try {
      mirror.close();
      assertEquals(1, seenByAnother.get(60, TimeUnit.SECONDS).token());
    } finally {
      released.complete(null);
      threads.shutdownNow();
    }
  }

  /** Its files may be gone by now: what a pass finds then says nothing. */
  @Test
  void copied_closedMeanwhile_fails() throws Exception {
    channel.answer(
        question -> {
          if (question instanceof JobQuestion.Append) {
            mirror.close();
          }
          return Wire.answer(
              new JobQuestion.Copied(question instanceof JobQuestion.Append ? SPOOL : 0));
        });
    try {
      ExecutionException e =
          assertThrows(ExecutionException.class, () -> mirror.copied().get(60, TimeUnit.SECONDS));
      assertEquals("CLOSING", ((ServingException) Objects.requireNonNull(e.getCause())).reason());
    } finally {
      threads.shutdownNow();
    }
  }

  /** The last examples come, and then the commit, while a pass is on its way. */
  @Test
  void copied_committedMeanwhile_theJobComesAfterAllItsExamples() throws Exception {
    spool = SPOOL / 2;
    files =
        () -> {
          spool = SPOOL;
          return Map.of("job.json", new byte[0]);
        };
    AtomicLong copy = new AtomicLong();
    AtomicLong copyOfTheJob = new AtomicLong();
    channel.answer(
        question -> {
          if (question instanceof JobQuestion.Put) {
            copyOfTheJob.compareAndSet(0, copy.get());
            return Wire.answer(new JobQuestion.Done());
          } else if (question instanceof JobQuestion.Append append) {
            copy.set(append.offset() + append.bytes().length);
          }
          return Wire.answer(new JobQuestion.Copied(copy.get()));
        });
    try {
      mirror.copied().get(60, TimeUnit.SECONDS);
      assertEquals(SPOOL, copyOfTheJob.get());
    } finally {
      mirror.close();
      threads.shutdownNow();
    }
  }
}
