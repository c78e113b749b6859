package dev.perennial.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * A program that runs beside a test: it tells how far it is, a JSON object a line on standard
 * output, and is told by lines on standard input. Safe for any thread.
 */
final class ForeignProgram implements AutoCloseable {
  private static final long WAIT_SECONDS = 120;

  private final Process process;
  private final Path log;

  @GuardedBy("this")
  private JsonObject said = new JsonObject();

  @GuardedBy("this")
  private boolean ended;

  private ForeignProgram(Process process, Path log) {
    this.process = process;
    this.log = log;
  }

  /** Starts it; what it says on standard error goes to a file in the directory. */
  static ForeignProgram start(Path directory, List<String> command) throws IOException {
    Path log = Files.createTempFile(directory, "errors", ".txt");
    Process process =
        new ProcessBuilder(command)
            .directory(directory.toFile())
            .redirectError(log.toFile())
            .start();
    ForeignProgram program = new ForeignProgram(process, log);
    Thread reader = new Thread(program::read, "foreign-program");
    reader.setDaemon(true);
    reader.start();
    return program;
  }

  private void read() {
    try (BufferedReader lines =
        new BufferedReader(new InputStreamReader(process.getInputStream(), UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        heard(JsonParser.parseString(line).getAsJsonObject());
      }
    } catch (IOException closed) {
      // it was killed: whoever waits is told so below
    } finally {
      end();
    }
  }

  private synchronized void heard(JsonObject line) {
    said = line;
    notifyAll();
  }

  private synchronized void end() {
    ended = true;
    notifyAll();
  }

  /** The first thing it says, from now on, of which this is true. */
  synchronized JsonObject await(Predicate<JsonObject> wanted) throws InterruptedException {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(WAIT_SECONDS);
    while (!wanted.test(said)) {
      long left = until - System.nanoTime();
      if (ended || left <= 0) {
        throw new AssertionError("program stands still or has ended: " + said + "\n" + errors());
      }
      TimeUnit.NANOSECONDS.timedWait(this, left);
    }
    return said;
  }

  /** Tells it a line. */
  void tell(String line) throws IOException {
    Writer input = process.outputWriter(UTF_8);
    input.write(line + "\n");
    input.flush();
  }

  private String errors() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Kills it where it runs. */
  @Override
  public void close() {
    process.destroyForcibly();
  }
}
