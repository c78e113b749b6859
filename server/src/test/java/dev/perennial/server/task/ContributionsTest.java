package dev.perennial.server.task;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.DiscriminantHead.Opinion;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What contributions do to the task that serves. */
class ContributionsTest {
  private static final int ROWS = 90;
  private static final float[] FEATURES = TaskVersions.features(new Random(77), ROWS);
  private static final TaskVersion VERSION = version(1, List.of("zebra", "ant", "cow"));

  private final InMemoryTaskStore store = new InMemoryTaskStore();
  private final TaskPool pool = open(store);

  private static TaskPool open(TaskStore of) {
    return TaskPool.open(of, TaskVersions.BACKBONE, TaskVersions.EMBED_DIM);
  }

  /** Its classes are not in the order of their names; its rows are the first 30. */
  private static TaskVersion version(long seed, List<String> classNames) {
    TaskVersion other = TaskVersions.random("zoo", seed);
    int[] rows = range(0, 30);
    int[] classOf = new int[30];
    for (int row : rows) {
      classOf[row] = row % classNames.size();
    }
    int d = TaskVersions.EMBED_DIM;
    float[] features = Arrays.copyOf(FEATURES, 30 * d);
    return new TaskVersion(
        "zoo",
        classNames,
        other.template(),
        other.prefixes(),
        FeatureStatistics.of(features, d, classOf, classNames.size()),
        GateConstants.fit(GateKind.PAPER, features, d, classOf, classNames.size()),
        HeadConstants.fit(features, d, classOf, classNames.size()),
        other.options(),
        other.metrics(),
        seed,
        TaskVersions.BACKBONE,
        other.created());
  }

  private static int[] range(int from, int to) {
    return IntStream.range(from, to).toArray();
  }

  private static Contribution rows(String requestId, int... rows) {
    return Contributions.of("zoo", requestId, VERSION.classNames(), FEATURES, rows);
  }

  private ActiveTask task() {
    return task(pool);
  }

  private static ActiveTask task(TaskPool of) {
    return of.snapshot().tasks().get(of.snapshot().slot("zoo"));
  }

  /** Everything that a task says of some images, to the bit. */
  private static long[] bits(ActiveTask task) {
    List<Double> values = new ArrayList<>();
    float[] images = TaskVersions.features(new Random(5), 4);
    for (int image = 0; image < 4; image++) {
      int at = image * TaskVersions.EMBED_DIM;
      double logDensity = task.gaussian().logDensity(images, at);
      values.add(logDensity);
      values.add(task.gaussian().gateWeight(logDensity));
      values.add(task.domain().z(task.domain().logDensity(images, at)));
      Opinion opinion = task.head().opinion(images, at);
      values.add(opinion.logDensity());
      for (double h : opinion.logProbabilities()) {
        values.add(h);
      }
    }
    return values.stream().mapToLong(Double::doubleToRawLongBits).toArray();
  }

  private static void assertFails(ErrorCode code, String reason, Executable action) {
    ServingException e = assertThrows(ServingException.class, action);
    assertEquals(reason, e.reason());
    assertEquals(code, e.code());
  }

  @Test
  void contribute_rows_theStatisticsAreThoseOfAllRows() {
    pool.publish(VERSION);
    long[] before = bits(task());
    PoolSnapshot snapshot = pool.contribute(rows("r", range(30, ROWS)));
    assertEquals(2, snapshot.epoch());
    int[] classOf = new int[ROWS];
    for (int row = 0; row < ROWS; row++) {
      classOf[row] = row % 3;
    }
    assertEquals(
        FeatureStatistics.of(FEATURES, TaskVersions.EMBED_DIM, classOf, 3), task().statistics());
    assertNotEquals(0, Arrays.compare(before, bits(task())));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void contribute_anyOrderAndSplit_sameBits(long seed) {
    pool.publish(VERSION);
    pool.contribute(rows("whole", range(30, ROWS)));
    Random random = new Random(seed);
    List<Integer> order = new ArrayList<>(IntStream.range(30, ROWS).boxed().toList());
    Collections.shuffle(order, random);
    TaskPool other = open(new InMemoryTaskStore());
    other.publish(VERSION);
    for (int from = 0; from < order.size(); ) {
      int to = Math.min(order.size(), from + 1 + random.nextInt(25));
      int[] shard = order.subList(from, to).stream().mapToInt(row -> row).toArray();
      other.contribute(rows("shard " + from, shard));
      from = to;
    }
    assertTrue(task(other).contributions().size() > 1);
    assertEquals(task().statistics(), task(other).statistics());
    assertArrayEquals(bits(task()), bits(task(other)));
  }

  @Test
  void withdraw_oneOfSeveral_bitForBitAsIfItNeverWas() {
    pool.publish(VERSION);
    long[] alone = bits(task());
    pool.contribute(rows("a", range(30, 50)));
    long[] withA = bits(task());
    Contribution b = rows("b", range(50, 70));
    pool.contribute(b);
    long epoch = pool.withdraw("zoo", Contributions.id(b)).epoch();
    assertArrayEquals(withA, bits(task()));
    assertFalse(store.versionIds().contains(Contributions.id(b)));
    assertFails(
        ErrorCode.NOT_FOUND,
        "CONTRIBUTION_NOT_FOUND",
        () -> pool.withdraw("zoo", Contributions.id(b)));
    assertEquals(epoch, pool.snapshot().epoch());
    pool.withdraw("zoo", Contributions.id(rows("a", range(30, 50))));
    assertArrayEquals(alone, bits(task()));
  }

  @Test
  void contribute_sameRequestAndRowsAgain_countsOnce() {
    pool.publish(VERSION);
    long epoch = pool.contribute(rows("a", range(30, 50))).epoch();
    long[] once = bits(task());
    int[] reversed = IntStream.range(0, 20).map(i -> 49 - i).toArray();
    assertEquals(epoch, pool.contribute(rows("a", reversed)).epoch());
    assertArrayEquals(once, bits(task()));
    pool.contribute(rows("another", reversed));
    assertEquals(2, task().contributions().size());
  }

  @Test
  void reopen_withContributions_sameBitsAndHistory() {
    pool.publish(VERSION);
    pool.contribute(rows("b", range(30, 40)));
    pool.contribute(rows("a", range(40, 60)));
    TaskPool reopened = open(store);
    assertArrayEquals(bits(task()), bits(task(reopened)));
    assertEquals(pool.history("zoo"), reopened.history("zoo"));
    assertEquals(
        List.of("b", "a"),
        reopened.history("zoo").contributions().stream()
            .map(ContributionSummary::requestId)
            .toList());
    assertEquals(2, reopened.history("zoo").counted().size());
  }

  @Test
  void rollBack_toAVersionThatLacksAClass_theContributionRestsAndCountsAgain() {
    TaskVersion narrow = version(2, List.of("ant", "zebra"));
    pool.publish(narrow);
    long[] narrowAlone = bits(task());
    pool.publish(VERSION);
    pool.contribute(rows("a", range(30, 50)));
    long[] withA = bits(task());
    pool.activate("zoo", TaskVersions.id(narrow));
    assertArrayEquals(narrowAlone, bits(task()));
    assertEquals(Set.of(), pool.history("zoo").counted());
    assertEquals(1, pool.history("zoo").contributions().size());
    pool.activate("zoo", TaskVersions.id(VERSION));
    assertArrayEquals(withA, bits(task()));
  }

  @Test
  void deleteTask_withContributions_theyGoAndATaskTaughtAnewHasNone() {
    pool.publish(VERSION);
    long[] alone = bits(task());
    pool.contribute(rows("a", range(30, 50)));
    pool.delete("zoo");
    assertEquals(Set.of(), store.versionIds());
    pool.publish(VERSION);
    assertArrayEquals(alone, bits(task()));
    assertEquals(List.of(), pool.history("zoo").contributions());
  }

  @Test
  void contribute_toNoTaskOrOfAnotherBackbone_refused() {
    assertFails(
        ErrorCode.NOT_FOUND, "TASK_NOT_FOUND", () -> pool.contribute(rows("a", range(30, 50))));
    pool.publish(VERSION);
    Contribution good = rows("a", range(30, 50));
    Contribution foreign =
        new Contribution("zoo", "a", good.classNames(), good.statistics(), "cd".repeat(32));
    assertFails(ErrorCode.FAILED_PRECONDITION, "BACKBONE_MISMATCH", () -> pool.contribute(foreign));
    assertEquals(1, store.versionIds().size());
  }

  @Test
  void contribute_beyondTheBound_refused() {
    pool.publish(VERSION);
    for (int i = 0; i < TaskPool.MAX_CONTRIBUTIONS; i++) {
      pool.contribute(rows("r" + i, 30 + i % 60));
    }
    assertFails(
        ErrorCode.RESOURCE_EXHAUSTED,
        "TOO_MANY_CONTRIBUTIONS",
        () -> pool.contribute(rows("more", 30)));
    pool.withdraw("zoo", Contributions.id(rows("r0", 30)));
    pool.contribute(rows("more", 30));
  }

  @Test
  void reopen_contributionDamaged_theTaskServesWithoutItUntilItIsRepaired() {
    pool.publish(VERSION);
    long[] alone = bits(task());
    Contribution a = rows("a", range(30, 50));
    pool.contribute(a);
    long[] withA = bits(task());
    store.damage(Contributions.id(a));
    TaskPool reopened = open(store);
    assertArrayEquals(alone, bits(task(reopened)));
    assertEquals(Set.of(Contributions.id(a)), reopened.damaged());
    reopened.hold(ByteBuffer.wrap(ContributionFile.write(a)));
    reopened.install(reopened.manifest());
    assertArrayEquals(withA, bits(task(reopened)));
    assertEquals(Set.of(), reopened.damaged());
  }

  @Test
  void file_roundTrip_sameContributionAndDamageIsSeen() {
    Contribution a = rows("a \"quoted\" \uD83D\uDC08", range(30, 50));
    byte[] bytes = ContributionFile.write(a);
    assertEquals(a, PoolFile.read(ByteBuffer.wrap(bytes)));
    assertArrayEquals(bytes, ContributionFile.write(a));
    byte[] cut = Arrays.copyOf(bytes, bytes.length - 8);
    assertFails(ErrorCode.DATA_LOSS, "VERSION_DAMAGED", () -> PoolFile.read(ByteBuffer.wrap(cut)));
    byte[] version = TaskVersionFile.write(VERSION);
    assertFails(
        ErrorCode.DATA_LOSS,
        "CONTRIBUTION_DAMAGED",
        () -> ContributionFile.read(ByteBuffer.wrap(version)));
  }

  @Test
  void file_formatOfNewerSoftware_dataLossNamesBothFormats() {
    byte[] newer =
        new String(ContributionFile.write(rows("a", range(30, 50))), ISO_8859_1)
            .replace("perennial-contribution-1", "perennial-contribution-2")
            .getBytes(ISO_8859_1);
    ServingException e =
        assertThrows(ServingException.class, () -> PoolFile.read(ByteBuffer.wrap(newer)));
    assertEquals(ErrorCode.DATA_LOSS, e.code());
    assertEquals(
        "contribution, format: perennial-contribution-2 (expected: perennial-contribution-1)",
        e.getMessage());
  }
}
