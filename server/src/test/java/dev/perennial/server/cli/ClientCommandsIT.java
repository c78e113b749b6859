package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.perennial.server.Server;
import dev.perennial.server.ServerConfig;
import dev.perennial.server.config.DurationText;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import dev.perennial.server.world.MiniMtilTask.Split;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The commands that are clients, against a real server. */
class ClientCommandsIT {
  private static final MiniMtilTask TASK = MiniMtil.task("digits");
  private static final int SHOTS = 4;

  @TempDir private static Path folder;

  private static Server server;
  private static String target = "";

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  @BeforeAll
  static void start() throws IOException {
    write("train", TASK.images(Split.TRAIN, SHOTS, MiniMtil.SEED));
    write("test", TASK.images(Split.TEST, 1, MiniMtil.SEED));
    server = Server.start(ServerConfig.DEFAULT.onFreePort());
    target = "127.0.0.1:" + server.port();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @Test
  void trainThenClassify_json_teachesAndAnswers() {
    String train = folder.resolve("train").toString();
    assertEquals(
        0,
        run(
            new TrainCommand(),
            "--target=" + target,
            "--task=digits",
            "--data=" + train,
            "--template=" + TASK.template(),
            "--epochs=2",
            "--json"),
        () -> out + "" + err);
    List<JsonObject> events = jsonLines();
    assertEquals("uploading", events.get(0).get("event").getAsString());
    JsonObject last = events.get(events.size() - 1);
    assertEquals("finished", last.get("event").getAsString());
    assertEquals("SUCCEEDED", last.get("state").getAsString());
    assertTrue(last.has("version_id"));
    String job = last.get("job_id").getAsString();

    clear();
    assertEquals(
        0, run(new TrainCommand(), "--target=" + target, "--watch=" + job), () -> err.toString());
    assertTrue(out.toString().contains("digits: succeeded, version "), out::toString);

    clear();
    String test = folder.resolve("test").toString();
    assertEquals(
        0,
        run(
            new ClassifyCommand(),
            "--target=" + target,
            "--task=digits",
            "--top=2",
            "--window=3",
            "--json",
            test),
        () -> out + "" + err);
    List<JsonObject> answers = jsonLines();
    assertEquals(TASK.classNames().size(), answers.size());
    for (JsonObject answer : answers) {
      assertEquals(2, answer.getAsJsonArray("scores").size());
      assertEquals("digits", answer.get("task").getAsString());
      assertFalse(answer.has("error"));
    }
    List<String> files = answers.stream().map(answer -> answer.get("file").getAsString()).toList();
    assertEquals(files.stream().sorted().toList(), files);
  }

  @Test
  void tasks_exportDeleteImport_isTheSameVersionAgain() throws IOException {
    String train = folder.resolve("train").toString();
    String[] teach = {"--target=" + target, "--task=exported", "--data=" + train, "--epochs=1"};
    assertEquals(0, run(new TrainCommand(), teach), () -> out + "" + err);
    clear();
    Path file = folder.resolve("exported.safetensors");
    assertEquals(
        0,
        run(
            new TasksCommand(),
            "export",
            "--target=" + target,
            "--json",
            "exported",
            file.toString()),
        () -> out + "" + err);
    JsonObject exported = JsonParser.parseString(out.toString()).getAsJsonObject();
    assertEquals(Files.size(file), exported.get("bytes").getAsLong());
    String[] delete = {"delete", "--target=" + target, "exported"};
    assertEquals(0, run(new TasksCommand(), delete), () -> out + "" + err);
    for (int i = 0; i < 2; i++) {
      clear();
      String[] bring = {"import", "--target=" + target, "--json", file.toString()};
      assertEquals(0, run(new TasksCommand(), bring), () -> out + "" + err);
      JsonObject task = JsonParser.parseString(out.toString()).getAsJsonObject();
      assertEquals(exported.get("version_id"), task.get("active_version_id"));
      assertEquals(1, task.getAsJsonArray("versions").size());
    }
    clear();
    String[] gone = {"delete", "--target=" + target, "exported"};
    assertEquals(0, run(new TasksCommand(), gone), () -> out + "" + err);
  }

  @Test
  void trainStatisticsOnlyThenWithdraw_json_contributionComesAndGoes() {
    String train = folder.resolve("train").toString();
    String[] teach = {"--target=" + target, "--task=summed", "--data=" + train, "--epochs=1"};
    assertEquals(0, run(new TrainCommand(), teach), () -> out + "" + err);
    clear();
    String[] contribute = {
      "--target=" + target, "--task=summed", "--data=" + train, "--statistics-only", "--json"
    };
    assertEquals(0, run(new TrainCommand(), contribute), () -> out + "" + err);
    List<JsonObject> events = jsonLines();
    String id = events.get(events.size() - 1).get("contribution_id").getAsString();
    clear();
    assertEquals(
        0, run(new TasksCommand(), "show", "--target=" + target, "summed"), () -> out + "" + err);
    assertTrue(out.toString().contains("+ " + id + "  contribution  10 classes  40 examples"));
    clear();
    String[] withdraw = {"withdraw", "--target=" + target, "--json", "summed", id};
    assertEquals(0, run(new TasksCommand(), withdraw), () -> out + "" + err);
    JsonObject task = JsonParser.parseString(out.toString()).getAsJsonObject();
    assertEquals(0, task.getAsJsonArray("contributions").size());
    String[] gone = {"delete", "--target=" + target, "summed"};
    assertEquals(0, run(new TasksCommand(), gone), () -> out + "" + err);
  }

  @Test
  void classify_brokenFile_isNamedAndTheOthersAnswered() throws IOException {
    Path broken = Files.writeString(folder.resolve("broken.png"), "no image");
    Path good;
    try (var files = Files.walk(folder.resolve("test"))) {
      good = files.filter(Files::isRegularFile).sorted().findFirst().orElseThrow();
    }
    assertEquals(
        1,
        run(
            new ClassifyCommand(),
            "--target=" + target,
            "--labels=circle,square",
            broken.toString(),
            good.toString(),
            folder.resolve("missing.png").toString()));
    List<String> lines = out.toString().lines().toList();
    assertEquals(3, lines.size());
    assertTrue(lines.get(0).contains("error: INVALID_ARGUMENT"), lines::toString);
    assertTrue(lines.get(1).contains(" %"), lines::toString);
    assertTrue(lines.get(2).contains("NoSuchFile"), lines::toString);
  }

  @Test
  void bench_callsAndStreams_reportsServerAndEngine() throws IOException {
    for (String[] mode : new String[][] {{}, {"--streams"}}) {
      Path json = folder.resolve("bench.json");
      String[] words = {
        "--rate=50",
        "--duration=1s",
        "--warm-up=500ms",
        "--deadline=240s",
        "--pictures=1",
        "--max-batch-size=8",
        "--engine-time=200ms",
        "--json=" + json
      };
      String[] all = new String[words.length + mode.length];
      System.arraycopy(words, 0, all, 0, words.length);
      System.arraycopy(mode, 0, all, words.length, mode.length);
      assertEquals(0, run(new BenchCommand(), all), () -> err.toString());
      JsonObject figures = JsonParser.parseString(Files.readString(json)).getAsJsonObject();
      JsonObject served = figures.getAsJsonObject("served");
      assertTrue(served.get("sent").getAsInt() > 0);
      assertEquals(served.get("sent").getAsInt(), served.get("answered").getAsInt());
      assertTrue(served.get("p99_ms").getAsDouble() >= served.get("p50_ms").getAsDouble());
      assertTrue(figures.getAsJsonObject("engine").get("images_per_second").getAsDouble() > 0);
      assertTrue(out.toString().contains("served/engine"), out::toString);
    }
  }

  private int run(Object command, String... words) {
    return new CommandLine(command)
        .registerConverter(Duration.class, DurationText::parse)
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(words);
  }

  private void clear() {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
  }

  private List<JsonObject> jsonLines() {
    return out.toString()
        .lines()
        .map(line -> JsonParser.parseString(line).getAsJsonObject())
        .toList();
  }

  private static void write(String split, List<LabelledImage> images) throws IOException {
    for (int i = 0; i < images.size(); i++) {
      LabelledImage image = images.get(i);
      Path below = folder.resolve(split).resolve(TASK.classNames().get(image.classIndex()));
      Files.createDirectories(below);
      Files.write(below.resolve("%05d.png".formatted(i)), image.png());
    }
  }
}
