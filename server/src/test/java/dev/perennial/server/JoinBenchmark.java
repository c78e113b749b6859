package dev.perennial.server;

import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.v1.ClassifyImageRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;

/**
 * A fourth member with an empty disk joins three that serve many tasks: how long until it is ready,
 * and what that does to the latency of the others, which answer a steady load of single images
 * before and meanwhile. All four are on one machine and share its cores; a fourth that joins a pool
 * of one task tells how much of it is the start of a process. From the folder {@code server}, after
 * {@code mvn test-compile}:
 *
 * <pre>
 * java -Dai.djl.offline=true \
 *   -cp target/classes:target/test-classes:$(mvn -q dependency:build-classpath \
 *     -DincludeScope=test -Dmdep.outputFile=/dev/stdout) \
 *   dev.perennial.server.JoinBenchmark 500 20 5
 * </pre>
 *
 * <p>Arguments: tasks; seconds of load before; images a second for each member.
 */
final class JoinBenchmark {
  private static final LocalCluster.Settings SETTINGS =
      new LocalCluster.Settings(null, Duration.ofSeconds(10), Duration.ofSeconds(3));

  private final int rate;
  private final List<Double> latencies = Collections.synchronizedList(new ArrayList<>());
  private volatile boolean stopped;

  private JoinBenchmark(int rate) {
    this.rate = rate;
  }

  public static void main(String[] arguments) throws Exception {
    int tasks = Integer.parseInt(arguments[0]);
    int seconds = Integer.parseInt(arguments[1]);
    new JoinBenchmark(Integer.parseInt(arguments[2])).run(tasks, seconds);
  }

  private void run(int tasks, int seconds) throws Exception {
    Path directory = Files.createTempDirectory("perennial-join");
    ManyTasks pool = new ManyTasks(ModelDirectory.embedded());
    List<String> names = List.of("m1", "m2", "m3");
    try (LocalCluster cluster = LocalCluster.onLoopback(directory, SETTINGS, names);
        MemberProcess fourth = cluster.stranger("m4", SETTINGS)) {
      cluster.members().forEach(member -> pool.write(member.data(), tasks));
      cluster.startAll();
      List<Thread> load = new ArrayList<>();
      for (MemberProcess member : cluster.members()) {
        Thread thread = new Thread(() -> ask(member), "load-" + member.name());
        thread.start();
        load.add(thread);
      }
      TimeUnit.SECONDS.sleep(seconds); // warm
      latencies.clear();
      TimeUnit.SECONDS.sleep(seconds);
      report("before");
      long began = System.nanoTime();
      fourth.start();
      System.out.printf(
          Locale.ROOT, "%d tasks: ready after %.1f s%n", tasks, (System.nanoTime() - began) / 1e9);
      report("meanwhile");
      stopped = true;
      for (Thread thread : load) {
        thread.join();
      }
    }
  }

  /** At a steady rate; an answer's time counts from when its question was due. */
  private void ask(MemberProcess member) {
    ClassifyImageRequest request =
        ClassifyImageRequest.newBuilder()
            .setImage(Teaching.image(1))
            .setLabelSet(Requests.labels("cat", "dog", "bird"))
            .build();
    long between = TimeUnit.SECONDS.toNanos(1) / rate;
    try {
      for (long due = System.nanoTime(); !stopped; due += between) {
        TimeUnit.NANOSECONDS.sleep(due - System.nanoTime());
        var unused = member.inference().classifyImage(request);
        latencies.add((System.nanoTime() - due) / 1e6);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void report(String when) {
    List<Double> sorted;
    synchronized (latencies) {
      sorted = latencies.stream().sorted().toList();
      latencies.clear();
    }
    System.out.printf(
        Locale.ROOT,
        "%s: %d answers, p50 %.1f ms, p99 %.1f ms, max %.1f ms%n",
        when,
        sorted.size(),
        sorted.get(sorted.size() / 2),
        sorted.get(Math.min(sorted.size() - 1, sorted.size() * 99 / 100)),
        sorted.get(sorted.size() - 1));
  }
}
