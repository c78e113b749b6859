package dev.perennial.server.grpc;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.device.Devices;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.PoolChange;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.PoolWriter;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.task.TaskVersion;
import dev.perennial.server.task.TaskVersionFile;
import dev.perennial.v1.ExportTaskRequest;
import dev.perennial.v1.ExportTaskResponse;
import dev.perennial.v1.ImportTaskRequest;
import dev.perennial.v1.ImportTaskResponse;
import dev.perennial.v1.TaskFileHeader;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Versions as files, out of this server and into it. Safe for any thread. */
final class TaskFiles {
  /** Of a heap: what files on their way may take of it. */
  private static final int HEAP_SHARE = 8;

  private final ClipConfig model;
  private final TaskPool pool;
  private final PoolWriter writer;
  private final Devices devices;
  private final StorePool store;
  private final ByteBudget budget =
      new ByteBudget(
          Math.min(
              2 * ImportStream.MAX_BYTES,
              Math.max(TaskExport.CHUNK_BYTES, Runtime.getRuntime().maxMemory() / HEAP_SHARE)));

  TaskFiles(ClipConfig model, TaskPool pool, PoolWriter writer, Devices devices, StorePool store) {
    this.model = model;
    this.pool = pool;
    this.writer = writer;
    this.devices = devices;
    this.store = store;
  }

  List<Method<?, ?>> methods() {
    return List.of(
        Method.<ExportTaskRequest, ExportTaskResponse>answers(
            TaskService.SERVICE,
            "ExportTask",
            ExportTaskRequest.getDefaultInstance(),
            this::export),
        Method.<ImportTaskRequest, ImportTaskResponse>stream(
            TaskService.SERVICE,
            "ImportTask",
            ImportTaskRequest.getDefaultInstance(),
            call -> new ImportStream(call, budget, this::store)));
  }

  private Runnable export(
      Call<ExportTaskRequest, ExportTaskResponse> call, ExportTaskRequest request) {
    CompletableFuture<TaskExport> opened = store.submit(() -> open(request));
    Futures.onDone(opened, call, export -> export.start(call), call::fail);
    return () -> Closing.onPool(store, opened);
  }

  private TaskExport open(ExportTaskRequest request) {
    String task = TaskService.checkedName(request.getName());
    PoolChange.requireKnown(pool.manifest(), task);
    List<String> versions = pool.manifest().versions(task);
    String id = request.getVersionId().isEmpty() ? versions.get(0) : request.getVersionId();
    if (!versions.contains(id)) {
      throw ServingException.notFound(
          "VERSION_NOT_FOUND",
          "version_id",
          "version: " + ServingException.quoted(id) + " (expected: one of task " + task + ")");
    }
    ByteBuffer bytes = pool.versionBytes(id);
    TaskFileHeader header =
        TaskFileHeader.newBuilder()
            .setTask(task)
            .setVersionId(id)
            .setSize(bytes.remaining())
            .build();
    return new TaskExport(header, bytes, budget.lend(bytes.remaining()));
  }

  private record Stored(String task, PoolSnapshot snapshot) {}

  private CompletableFuture<ImportTaskResponse> store(TaskFileHeader header, byte[] bytes) {
    return Futures.then(
        store.submit(
            () ->
                new Stored(servable(header, bytes).task(), writer.publish(ByteBuffer.wrap(bytes)))),
        stored ->
            Futures.map(
                devices.installed(stored.snapshot().epoch()),
                installed ->
                    ImportTaskResponse.newBuilder()
                        .setTask(TaskMessages.task(pool.history(stored.task())))
                        .setEpoch(stored.snapshot().epoch())
                        .build()));
  }

  /** Throws INVALID_ARGUMENT where the bytes are no version; FAILED_PRECONDITION. */
  private TaskVersion servable(TaskFileHeader header, byte[] bytes) {
    TaskVersion version;
    try {
      version = TaskVersionFile.read(ByteBuffer.wrap(bytes));
    } catch (ServingException e) {
      if (e.code() != ErrorCode.DATA_LOSS) {
        throw e;
      }
      throw ServingException.invalid("BAD_TASK_FILE", "chunk", String.valueOf(e.getMessage()), e);
    }
    if (!header.getTask().isEmpty() && !header.getTask().equals(version.task())) {
      throw ServingException.invalid(
          "TASK_MISMATCH",
          "header.task",
          "task: "
              + ServingException.quoted(header.getTask())
              + " (expected: "
              + version.task()
              + ", the one in the file)");
    }
    pool.requireFits(version);
    requireShape(version.prefixes());
    return version;
  }

  /** What no file of this backbone has, whoever wrote it, must not reach a device. */
  private void requireShape(Prefixes prefixes) {
    requireTower("image", prefixes.imageDepth(), prefixes.imageWidth(), model.image());
    requireTower("text", prefixes.textDepth(), prefixes.textWidth(), model.text());
  }

  private static void requireTower(String tower, int depth, int width, ClipConfig.Tower model) {
    if (depth > model.layers() || width != model.width()) {
      throw ServingException.invalid(
          "BAD_TASK_FILE",
          "chunk",
          String.format(
              "%s prefixes: %d layers of width %d (expected: at most %d of width %d)",
              tower, depth, width, model.layers(), model.width()));
    }
  }
}
