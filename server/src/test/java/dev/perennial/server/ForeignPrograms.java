package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** What the programs of {@code src/it/foreign} need to run: protos, stubs, libraries, a shell. */
final class ForeignPrograms {
  static final Path SOURCES = Path.of("src/it/foreign").toAbsolutePath();
  static final Path WORK = Path.of("target/foreign").toAbsolutePath();

  /** Our protos and google.rpc's, as files; see {@link #copyProtos}. */
  static final Path PROTOS = WORK.resolve("protos");

  private static final List<String> OURS =
      List.of(
          "perennial/v1/image.proto",
          "perennial/v1/inference.proto",
          "perennial/v1/task.proto",
          "perennial/v1/training.proto");

  private static final String GO_MODULE = "perennial.dev/foreign";
  private static final long MINUTES_FOR_A_PROGRAM = 10;

  private ForeignPrograms() {}

  /** Python with what its programs import. */
  record Python(Path interpreter, Path stubs) {
    /** Makes it, where it is not there yet: a virtual environment, packages, generated modules. */
    static Python prepare() throws IOException, InterruptedException {
      copyProtos();
      Path work = Files.createDirectories(WORK.resolve("python"));
      Path stubs = Files.createDirectories(work.resolve("stubs"));
      Path interpreter = work.resolve("venv/bin/python");
      run(work, "python3", "-m", "venv", work.resolve("venv").toString());
      String requirements = program("python/requirements.txt");
      run(work, interpreter.toString(), "-m", "pip", "install", "--quiet", "-r", requirements);
      Python python = new Python(interpreter, stubs);
      python.protoc(work, List.of("--python_out=" + stubs, "--grpc_python_out=" + stubs));
      return python;
    }

    /** Runs its protoc on our protos. */
    void protoc(Path directory, List<String> outputs) throws IOException, InterruptedException {
      List<String> command =
          new ArrayList<>(
              List.of(interpreter.toString(), "-m", "grpc_tools.protoc", "--proto_path=" + PROTOS));
      command.addAll(outputs);
      command.addAll(OURS);
      run(directory, command.toArray(String[]::new));
    }
  }

  /** The Go client: compiled with what its go.mod pins, the generators of its stubs included. */
  static Path buildGoClient() throws IOException, InterruptedException {
    Path work = Files.createDirectories(WORK.resolve("go"));
    Path bin = Files.createDirectories(work.resolve("bin"));
    try (DirectoryStream<Path> sources = Files.newDirectoryStream(SOURCES.resolve("go"))) {
      for (Path source : sources) {
        Files.copy(source, work.resolve(source.getFileName()), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    run(work, "go", "build", "-o", bin + "/", "tool");
    List<String> outputs = new ArrayList<>();
    for (String plugin : List.of("go", "go-grpc")) {
      outputs.add("--plugin=protoc-gen-" + plugin + "=" + bin.resolve("protoc-gen-" + plugin));
      outputs.add("--" + plugin + "_out=" + work);
      outputs.add("--" + plugin + "_opt=module=" + GO_MODULE);
      for (String proto : OURS) {
        outputs.add("--" + plugin + "_opt=M" + proto + "=" + GO_MODULE + "/perennial/v1");
      }
    }
    Python.prepare().protoc(work, outputs);
    run(work, "go", "build", "-o", bin.resolve("client").toString(), ".");
    return bin.resolve("client");
  }

  /** A file of {@link #SOURCES}. */
  static String program(String file) {
    return SOURCES.resolve(file).toString();
  }

  /** Runs a command to its good end; the last line that it prints, as JSON where it is that. */
  static JsonObject run(Path directory, String... command)
      throws IOException, InterruptedException {
    Path output = Files.createTempFile(directory, "output", ".txt");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    boolean ended = process.waitFor(MINUTES_FOR_A_PROGRAM, TimeUnit.MINUTES);
    if (!ended) {
      process.destroyForcibly();
    }
    String text = Files.readString(output);
    assertTrue(ended, () -> String.join(" ", command) + " did not end\n" + text);
    assertEquals(0, process.exitValue(), () -> String.join(" ", command) + "\n" + text);
    String last = text.strip().substring(text.strip().lastIndexOf('\n') + 1);
    return last.startsWith("{") ? JsonParser.parseString(last).getAsJsonObject() : new JsonObject();
  }

  /** Our protos and google.rpc's, from the classpath, as files. */
  static void copyProtos() throws IOException {
    for (String file : OURS) {
      copy(file);
    }
    copy("google/rpc/status.proto");
    copy("google/rpc/error_details.proto");
  }

  private static void copy(String file) throws IOException {
    Path copy = PROTOS.resolve(file);
    Files.createDirectories(copy.getParent());
    try (InputStream proto = ForeignPrograms.class.getResourceAsStream("/" + file)) {
      assertTrue(proto != null, file + " is on the classpath");
      Files.copy(proto, copy, StandardCopyOption.REPLACE_EXISTING);
    }
  }
}
