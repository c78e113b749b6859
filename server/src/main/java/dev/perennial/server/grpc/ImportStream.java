package dev.perennial.server.grpc;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.v1.ImportTaskRequest;
import dev.perennial.v1.ImportTaskResponse;
import dev.perennial.v1.TaskFileHeader;
import java.io.ByteArrayOutputStream;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One ImportTask stream: a header, the file's bytes, the end. Everything runs on the call's event
 * loop. A stream that ends early, for whatever reason, changes nothing: the header says how many
 * bytes there are and what their hash is.
 */
final class ImportStream implements MessageStream<ImportTaskRequest> {
  /** The largest file: 10,000 classes of 768 dimensions are half of it. */
  static final long MAX_BYTES = 128L << 20;

  private static final Pattern SHA_256 = Pattern.compile("[0-9a-f]{64}");

  private final Call<ImportTaskRequest, ImportTaskResponse> call;
  private final ByteBudget budget;
  private final BiFunction<TaskFileHeader, byte[], CompletableFuture<ImportTaskResponse>> store;
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private @Nullable TaskFileHeader header;
  private ByteBudget.@Nullable Lease lease;

  /**
   * @param store takes a file that is whole
   */
  ImportStream(
      Call<ImportTaskRequest, ImportTaskResponse> call,
      ByteBudget budget,
      BiFunction<TaskFileHeader, byte[], CompletableFuture<ImportTaskResponse>> store) {
    this.call = call;
    this.budget = budget;
    this.store = store;
    call.request();
  }

  @Override
  public void message(ImportTaskRequest message, int size) {
    switch (message.getPartCase()) {
      case HEADER -> begin(message.getHeader());
      case CHUNK -> {
        TaskFileHeader begun = begun();
        long held = bytes.size() + (long) message.getChunk().size();
        if (held > begun.getSize()) {
          throw size(held + " or more", begun.getSize());
        }
        bytes.writeBytes(message.getChunk().toByteArray());
      }
      case PART_NOT_SET ->
          throw ServingException.invalid(
              "MISSING_PART", "part", "part: not set (expected: header or chunk)");
    }
    call.request();
  }

  private void begin(TaskFileHeader given) {
    if (header != null) {
      throw ServingException.invalid(
          "SECOND_HEADER", "header", "headers: 2 (expected: 1, before the chunks)");
    }
    if (given.getSize() < 1 || given.getSize() > MAX_BYTES) {
      throw ServingException.invalid(
          "BAD_FILE_SIZE",
          "header.size",
          "size: "
              + Long.toUnsignedString(given.getSize())
              + " bytes (expected: 1.."
              + MAX_BYTES
              + ")");
    }
    if (!SHA_256.matcher(given.getVersionId()).matches()) {
      throw ServingException.invalid(
          "BAD_VERSION_ID",
          "header.version_id",
          "version id: "
              + ServingException.quoted(given.getVersionId())
              + " (expected: 64 hexadecimal digits)");
    }
    lease = budget.lend(given.getSize());
    header = given;
  }

  private TaskFileHeader begun() {
    TaskFileHeader begun = header;
    if (begun == null) {
      throw ServingException.invalid(
          "MISSING_HEADER", "header", "header: not set (expected: one, with the first request)");
    }
    return begun;
  }

  @Override
  public void halfClosed() {
    TaskFileHeader begun = begun();
    if (bytes.size() != begun.getSize()) {
      throw size(Integer.toString(bytes.size()), begun.getSize());
    }
    byte[] file = bytes.toByteArray();
    String hash = TaskVersionFile.versionId(file);
    if (!hash.equals(begun.getVersionId())) {
      throw ServingException.invalid(
          "HASH_MISMATCH",
          "header.version_id",
          String.format(
              Locale.ROOT, "SHA-256 of the bytes: %s (expected: %s)", hash, begun.getVersionId()));
    }
    Futures.onDone(
        store.apply(begun, file),
        call,
        response -> {
          call.write(response);
          call.end();
        },
        call::fail);
  }

  private static ServingException size(String held, long expected) {
    return ServingException.invalid(
        "BAD_FILE_SIZE", "chunk", "bytes of the file: " + held + " (expected: " + expected + ")");
  }

  @Override
  public void closed() {
    if (lease != null) {
      lease.close();
    }
  }
}
