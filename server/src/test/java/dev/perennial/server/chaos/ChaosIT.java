package dev.perennial.server.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.perennial.server.TestClusters;
import dev.perennial.server.TinyModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * A short chaos run: one blow of each kind, on three real JVMs. In the Maven profile {@code
 * cluster}: {@code mvn verify -Pcluster -Dit.test=ChaosIT}.
 */
@Tag("cluster")
@Timeout(900)
class ChaosIT {
  private static final int BLOWS = Kind.values().length;

  @TempDir private Path directory;

  @Test
  void run_blowsOfAllKinds_nothingAcknowledgedIsLost() throws Exception {
    LocalCluster.Settings settings =
        TestClusters.settings(TinyModel.write(directory.resolve("model")));
    List<String> survived = new ArrayList<>();
    ChaosReport report;
    try (ChaosRun run =
        new ChaosRun(
            new ChaosRun.Plan(
                3, BLOWS, 4, EnumSet.allOf(Kind.class), directory.resolve("members"), settings))) {
      report = run.run(new Listening(survived));
    }
    assertEquals(List.of(), report.findings());
    assertEquals(BLOWS, survived.size());
    assertEquals(BLOWS, report.kills());
    assertTrue(report.acknowledged() > BLOWS, report::table);
    JsonObject json = JsonParser.parseString(report.json()).getAsJsonObject();
    for (String count : List.of("lost", "epoch_regressions", "mixed_answers")) {
      assertEquals(0, json.getAsJsonObject(count).get("total").getAsInt(), count);
    }
    assertEquals(BLOWS, json.getAsJsonObject("kills").get("total").getAsInt());
  }

  private record Listening(List<String> survived) implements ChaosRun.Listener {
    @Override
    public void started() {}

    @Override
    public void survived(
        int number, Kind kind, String victim, double recoverySeconds, List<String> findings) {
      survived.add(kind.key());
    }
  }
}
