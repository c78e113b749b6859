package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.perennial.server.chaos.MemberProcess;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Programs of {@code src/it/foreign} that use a cluster of real JVMs by gRPC's own means, under
 * load while one member is killed and another stopped: no call fails, no answer is older than what
 * was acknowledged before it was asked for, and an upload goes on elsewhere. In the Maven profile
 * {@code foreign}, like {@link ForeignClientsIT}: needs python3, go, and their package registries.
 */
@Tag("foreign")
@Timeout(400)
class ForeignClusterIT extends ThreeMembers {
  private static final int IMAGES = 24;
  private static final Path DATA = ForeignPrograms.WORK.resolve("colours");

  @BeforeAll
  static void write() throws IOException {
    for (int i = 0; i < IMAGES; i++) {
      Path folder = DATA.resolve(Teaching.COLOURS.get(i % Teaching.COLOURS.size()));
      Files.createDirectories(folder);
      Files.write(
          folder.resolve("%02d.png".formatted(i)), Teaching.image(i).getEncoded().toByteArray());
    }
  }

  @AfterEach
  void makeWhole() {
    cluster.makeWhole();
  }

  @Test
  void python_oneMemberKilledAnotherStopped_noCallFails() throws Exception {
    ForeignPrograms.Python python = ForeignPrograms.Python.prepare();
    checkThroughKillAndDrain(
        List.of(
            python.interpreter().toString(),
            ForeignPrograms.program("python/cluster_client.py"),
            "--targets=" + targets(),
            "--config=" + ForeignPrograms.program("service-config.json"),
            "--stubs=" + python.stubs(),
            "--data=" + DATA));
  }

  @Test
  void go_oneMemberKilledAnotherStopped_noCallFails() throws Exception {
    checkThroughKillAndDrain(
        List.of(
            ForeignPrograms.buildGoClient().toString(),
            "--targets=" + targets(),
            "--config=" + ForeignPrograms.program("service-config.json"),
            "--data=" + DATA));
  }

  private static String targets() {
    return cluster.members().stream().map(MemberProcess::address).collect(Collectors.joining(","));
  }

  /** Both blows hit the member that the upload is at. */
  private static void checkThroughKillAndDrain(List<String> command) throws Exception {
    try (ForeignProgram program = ForeignProgram.start(ForeignPrograms.WORK, command)) {
      awaitMore(program);
      uploading().kill();
      awaitMore(program);
      cluster.makeWhole();
      int signal = 15;
      assertEquals(128 + signal, uploading().terminate());
      awaitMore(program);
      program.tell("enough");
      JsonObject result = program.await(said -> said.has("result")).getAsJsonObject("result");
      assertEquals("[]", result.get("failures").toString(), result::toString);
      assertEquals(result.get("given").getAsInt(), result.get("examples").getAsInt());
      int resumed = 0;
      for (JsonElement one : result.getAsJsonArray("resumed")) {
        JsonObject resume = one.getAsJsonObject();
        assertTrue(
            resume.get("from").getAsInt() >= resume.get("acknowledged").getAsInt(),
            result::toString);
        resumed += resume.get("acknowledged").getAsInt() > 0 ? 1 : 0;
      }
      assertEquals(2, resumed, result::toString);
    }
  }

  /** Waits for further answers of each kind, and further acknowledged examples. */
  private static void awaitMore(ForeignProgram program) throws InterruptedException {
    JsonObject now = program.await(said -> said.has("answered"));
    int answered = now.get("answered").getAsInt() + 30;
    int acknowledged = now.get("acknowledged").getAsInt() + 20;
    program.await(
        said ->
            said.get("answered").getAsInt() >= answered
                && said.get("acknowledged").getAsInt() >= acknowledged);
  }

  /** The member on whose disk an upload is that is its own. */
  private static MemberProcess uploading() {
    return cluster.members().stream()
        .filter(member -> member.alive() && !isEmpty(member.data().resolve("training/uploads")))
        .findFirst()
        .orElseThrow();
  }

  private static boolean isEmpty(Path folder) {
    File[] files = folder.toFile().listFiles();
    return files == null || files.length == 0;
  }
}
