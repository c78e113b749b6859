package dev.perennial.server;

import dev.perennial.client.PerennialClient;
import dev.perennial.server.SteadyLoad.Sample;
import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.chaos.MemberProcess;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * What callers of the Java client notice when a member of three dies, and when all are restarted
 * one after the other: a constant load, half single calls, half one stream, on three real JVMs with
 * the built-in model. Latencies count from when a request was due. It tells the requests that
 * failed, the longest latency, the longest time without any answer, and p99 before the blow and in
 * each second after it. From the folder {@code server}, after {@code mvn test-compile}:
 *
 * <pre>
 * java -Xmx512m -Dai.djl.offline=true \
 *   -cp target/classes:target/test-classes:$(mvn -q dependency:build-classpath \
 *     -DincludeScope=test -Dmdep.outputFile=/dev/stdout) \
 *   dev.perennial.server.FailoverBenchmark 20 3
 * </pre>
 *
 * <p>Arguments: requests a second, kills. Members are killed in turn, each is started again before
 * the next; then comes one rolling restart.
 */
final class FailoverBenchmark {
  private static final Duration WARM_UP = Duration.ofSeconds(15);
  private static final Duration BEFORE = Duration.ofSeconds(8);
  private static final int SECONDS_AFTER = 8;

  private final double rate;
  private final LocalCluster cluster;
  private final SteadyLoad load;

  private FailoverBenchmark(double rate, LocalCluster cluster, SteadyLoad load) {
    this.rate = rate;
    this.cluster = cluster;
    this.load = load;
  }

  public static void main(String[] arguments) throws Exception {
    double rate = Double.parseDouble(arguments[0]);
    int kills = Integer.parseInt(arguments[1]);
    LocalCluster.Settings settings = TestClusters.settings(null);
    Path directory = Files.createTempDirectory("failover-");
    try (LocalCluster cluster =
        LocalCluster.onLoopback(directory, settings, List.of("a", "b", "c"))) {
      cluster.startAll();
      String addresses =
          cluster.members().stream().map(MemberProcess::address).collect(Collectors.joining(","));
      try (PerennialClient client = PerennialClient.builder().target(addresses).build();
          SteadyLoad load = SteadyLoad.start(client, rate)) {
        FailoverBenchmark benchmark = new FailoverBenchmark(rate, cluster, load);
        benchmark.hold(WARM_UP);
        for (int i = 0; i < kills; i++) {
          benchmark.kill(cluster.members().get(i % 3));
        }
        benchmark.restartAll();
        load.stop();
        System.out.printf(
            "in all: %d requests, failed: %s%n", load.samples().size(), load.failures());
      }
    }
  }

  private void hold(Duration time) throws InterruptedException {
    load.awaitMore((int) (rate * time.toMillis() / 1000));
  }

  private void kill(MemberProcess victim) throws InterruptedException {
    hold(BEFORE);
    long blow = System.nanoTime();
    victim.kill();
    hold(Duration.ofSeconds(SECONDS_AFTER + 1));
    tell("kill -9", blow, SECONDS_AFTER);
    cluster.makeWhole();
  }

  private void restartAll() throws InterruptedException {
    hold(BEFORE);
    long begin = System.nanoTime();
    for (MemberProcess member : cluster.members()) {
      member.terminate();
      member.start();
    }
    long seconds = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin);
    hold(Duration.ofSeconds(3));
    tell("rolling restart in " + seconds + " s", begin, (int) seconds + 2);
  }

  private void tell(String what, long from, int seconds) {
    List<Sample> samples = load.samples();
    List<Sample> before = due(samples, from - BEFORE.toNanos(), BEFORE.toNanos());
    List<Sample> after = due(samples, from, TimeUnit.SECONDS.toNanos(seconds));
    List<Long> each = new ArrayList<>();
    for (int i = 0; i < seconds; i++) {
      long second = TimeUnit.SECONDS.toNanos(1);
      each.add(Math.round(p99(due(samples, from + i * second, second))));
    }
    System.out.printf(
        Locale.ROOT,
        "%s: %d requests, %d failed, longest %.0f ms, longest without an answer %.0f ms, p99 %.0f"
            + " ms before, then each second %s%n",
        what,
        after.size(),
        after.stream().filter(sample -> sample.failure() != null).count(),
        after.stream().mapToLong(Sample::latencyNanos).max().orElse(0) / 1e6,
        silence(after) / 1e6,
        p99(before),
        each);
  }

  private static List<Sample> due(List<Sample> samples, long from, long nanos) {
    return samples.stream()
        .filter(sample -> sample.dueNanos() - from >= 0 && sample.dueNanos() - from < nanos)
        .toList();
  }

  /** Of less than a hundred it is the longest; ms. */
  private static double p99(List<Sample> samples) {
    long[] sorted = samples.stream().mapToLong(Sample::latencyNanos).sorted().toArray();
    return sorted.length == 0
        ? Double.NaN
        : sorted[(int) Math.ceil(0.99 * sorted.length) - 1] / 1e6;
  }

  private static double silence(List<Sample> samples) {
    long[] ends =
        samples.stream().mapToLong(one -> one.dueNanos() + one.latencyNanos()).sorted().toArray();
    long longest = 0;
    for (int i = 1; i < ends.length; i++) {
      longest = Math.max(longest, ends[i] - ends[i - 1]);
    }
    return longest;
  }
}
