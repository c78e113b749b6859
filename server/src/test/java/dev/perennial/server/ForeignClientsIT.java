package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import dev.perennial.server.world.MiniMtilTask.Split;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * The Python and Node programs of {@code src/it/foreign} against a real server: what they print is
 * what a client in another language sees. Needs python3, node, npm and their package registries, so
 * it runs in the Maven profile {@code foreign} only.
 */
@Tag("foreign")
class ForeignClientsIT {
  private static final Path DATA = ForeignPrograms.WORK.resolve("data");
  private static final MiniMtilTask TASK = MiniMtil.task("signs");
  private static final int TRAIN_PER_CLASS = 16;
  private static final int TEST_PER_CLASS = 10;

  private Server server;

  @BeforeAll
  static void write() throws IOException {
    ForeignPrograms.copyProtos();
    writeTask();
  }

  @BeforeEach
  void start() {
    server = Server.start(ServerConfig.DEFAULT.onFreePort());
  }

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void python_teachesAndAsks() throws Exception {
    ForeignPrograms.Python python = ForeignPrograms.Python.prepare();
    JsonObject result =
        ForeignPrograms.run(
            ForeignPrograms.WORK,
            python.interpreter().toString(),
            ForeignPrograms.program("python/perennial_client.py"),
            "--target",
            "127.0.0.1:" + server.port(),
            "--stubs",
            python.stubs().toString(),
            "--data",
            DATA.toString());
    checkResult(result, "python");
    JsonObject contribution = result.getAsJsonObject("contribution");
    assertEquals(
        TRAIN_PER_CLASS * TASK.classNames().size(), contribution.get("examples").getAsInt());
    for (String key : List.of("listed", "changed", "restored")) {
      assertTrue(contribution.get(key).getAsBoolean(), contribution::toString);
    }
    JsonObject file = result.getAsJsonObject("file");
    for (String key : List.of("hash", "same_version", "restored")) {
      assertTrue(file.get(key).getAsBoolean(), file::toString);
    }
    List<String> services = strings(result, "services");
    assertTrue(
        services.containsAll(
            List.of(
                "grpc.health.v1.Health",
                "perennial.v1.InferenceService",
                "perennial.v1.TaskService",
                "perennial.v1.TrainingService")),
        services::toString);
    assertEquals(
        List.of("Classify", "ClassifyImage", "Embed"), strings(result, "inference_methods"));
  }

  @Test
  void node_teachesAndAsks() throws Exception {
    Path work = Files.createDirectories(ForeignPrograms.WORK.resolve("node"));
    for (String file :
        List.of("package.json", "package-lock.json", ".npmrc", "perennial-client.js")) {
      Files.copy(
          ForeignPrograms.SOURCES.resolve("node").resolve(file),
          work.resolve(file),
          StandardCopyOption.REPLACE_EXISTING);
    }
    ForeignPrograms.run(work, "npm", "ci", "--silent");
    JsonObject result =
        ForeignPrograms.run(
            work,
            "node",
            "perennial-client.js",
            "--target",
            "127.0.0.1:" + server.port(),
            "--protos",
            ForeignPrograms.PROTOS.toString(),
            "--data",
            DATA.toString());
    checkResult(result, "node");
  }

  private static void checkResult(JsonObject result, String task) {
    JsonObject job = result.getAsJsonObject("job");
    assertEquals("TRAINING_JOB_STATE_SUCCEEDED", job.get("state").getAsString());
    assertEquals(64, job.get("version_id").getAsString().length());
    assertEquals(
        TRAIN_PER_CLASS * TASK.classNames().size(), job.get("spooled").getAsInt(), job::toString);
    assertTrue(job.get("progress_reports").getAsInt() > 0, job::toString);
    double before = result.get("before").getAsDouble();
    double after = result.get("after").getAsDouble();
    assertTrue(
        after >= before + 0.2, () -> "accuracy before %s, after %s".formatted(before, after));
    assertEquals(List.of(task), strings(result, "tasks"));

    JsonObject inStream = result.getAsJsonObject("broken_in_stream");
    assertEquals("[0,2]", inStream.get("answered").toString());
    assertEquals(1, inStream.get("error_index").getAsInt());
    checkBrokenImage(inStream.getAsJsonObject("error"));
    checkBrokenImage(result.getAsJsonObject("broken_alone"));

    JsonObject cancelled = result.getAsJsonObject("cancelled");
    assertEquals(5, cancelled.get("answers_taken").getAsInt());
    assertEquals("CANCELLED", cancelled.get("code").getAsString());
    assertTrue(cancelled.get("answered_afterwards").getAsBoolean());
  }

  /** INVALID_ARGUMENT with a reason for programs and the field of the request. */
  private static void checkBrokenImage(JsonObject error) {
    assertEquals(3, error.get("code").getAsInt(), error::toString);
    assertFalse(error.get("message").getAsString().isEmpty());
    assertTrue(error.get("reason").getAsString().matches("[A-Z][A-Z0-9_]+"), error::toString);
    assertEquals("image.encoded", error.get("field").getAsString());
  }

  private static List<String> strings(JsonObject result, String key) {
    List<String> values = new ArrayList<>();
    result.getAsJsonArray(key).forEach(value -> values.add(value.getAsString()));
    return values;
  }

  private static void writeTask() throws IOException {
    write("train", TASK.images(Split.TRAIN, TRAIN_PER_CLASS, MiniMtil.SEED));
    write("test", TASK.images(Split.TEST, TEST_PER_CLASS, MiniMtil.SEED));
    Files.writeString(
        DATA.resolve("task.json"),
        new Gson()
            .toJson(
                Map.of(
                    "name", TASK.name(),
                    "template", TASK.template(),
                    "class_names", TASK.classNames())));
  }

  private static void write(String split, List<LabelledImage> images) throws IOException {
    for (int i = 0; i < images.size(); i++) {
      LabelledImage image = images.get(i);
      Path folder = DATA.resolve(split).resolve(TASK.classNames().get(image.classIndex()));
      Files.createDirectories(folder);
      Files.write(folder.resolve("%05d.png".formatted(i)), image.png());
    }
  }
}
