package dev.perennial.server.grpc;

import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.perennial.server.device.Devices;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.PoolWriter;
import dev.perennial.server.task.TaskPool;
import dev.perennial.v1.ActivateTaskVersionRequest;
import dev.perennial.v1.ActivateTaskVersionResponse;
import dev.perennial.v1.ActiveTask;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.DeleteTaskResponse;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.GetTaskResponse;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.ListTasksResponse;
import dev.perennial.v1.TaskProto;
import dev.perennial.v1.WatchPoolRequest;
import dev.perennial.v1.WatchPoolResponse;
import dev.perennial.v1.WithdrawContributionRequest;
import dev.perennial.v1.WithdrawContributionResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** The tasks, their versions, and which of them serve. Safe for any thread. */
final class TaskService {
  static final ServiceDescriptor SERVICE =
      TaskProto.getDescriptor().findServiceByName("TaskService");

  private final TaskPool pool;
  private final PoolWriter writer;
  private final Devices devices;
  private final StorePool store;

  TaskService(TaskPool pool, PoolWriter writer, Devices devices, StorePool store) {
    this.pool = pool;
    this.writer = writer;
    this.devices = devices;
    this.store = store;
  }

  List<Method<?, ?>> methods() {
    return List.of(
        Method.<ListTasksRequest, ListTasksResponse>unary(
            SERVICE,
            "ListTasks",
            ListTasksRequest.getDefaultInstance(),
            (call, request) -> CompletableFuture.completedFuture(list(request))),
        Method.<GetTaskRequest, GetTaskResponse>unary(
            SERVICE,
            "GetTask",
            GetTaskRequest.getDefaultInstance(),
            (call, request) -> CompletableFuture.completedFuture(get(request))),
        Method.<DeleteTaskRequest, DeleteTaskResponse>unary(
            SERVICE,
            "DeleteTask",
            DeleteTaskRequest.getDefaultInstance(),
            (call, request) -> delete(request)),
        Method.<ActivateTaskVersionRequest, ActivateTaskVersionResponse>unary(
            SERVICE,
            "ActivateTaskVersion",
            ActivateTaskVersionRequest.getDefaultInstance(),
            (call, request) -> activate(request)),
        Method.<WithdrawContributionRequest, WithdrawContributionResponse>unary(
            SERVICE,
            "WithdrawContribution",
            WithdrawContributionRequest.getDefaultInstance(),
            (call, request) -> withdraw(request)),
        Method.<WatchPoolRequest, WatchPoolResponse>watch(
            SERVICE, "WatchPool", WatchPoolRequest.getDefaultInstance(), this::watch));
  }

  private ListTasksResponse list(ListTasksRequest request) {
    long epoch = pool.snapshot().epoch();
    Pages.Page<String> page =
        Pages.page(
            pool.taskNames(),
            request.getPageSize(),
            request.getPageToken(),
            name -> name,
            key -> name -> name.compareTo(key) > 0);
    ListTasksResponse.Builder response =
        ListTasksResponse.newBuilder().setNextPageToken(page.nextToken()).setEpoch(epoch);
    for (String name : page.elements()) {
      TaskMessages.task(pool, name).ifPresent(response::addTasks);
    }
    return response.build();
  }

  private GetTaskResponse get(GetTaskRequest request) {
    String name = checkedName(request.getName());
    return GetTaskResponse.newBuilder().setTask(TaskMessages.task(pool.history(name))).build();
  }

  private CompletableFuture<DeleteTaskResponse> delete(DeleteTaskRequest request) {
    String name = checkedName(request.getName());
    return Futures.then(
        store.submit(() -> writer.delete(name)),
        snapshot ->
            Futures.map(
                devices.installed(snapshot.epoch()),
                installed -> DeleteTaskResponse.newBuilder().setEpoch(snapshot.epoch()).build()));
  }

  private CompletableFuture<ActivateTaskVersionResponse> activate(
      ActivateTaskVersionRequest request) {
    String name = checkedName(request.getName());
    String versionId = request.getVersionId();
    if (versionId.isEmpty()) {
      throw ServingException.invalid(
          "EMPTY_VERSION_ID", "version_id", "version id: empty (expected: one of the task's)");
    }
    return Futures.then(
        store.submit(() -> writer.activate(name, versionId)),
        snapshot ->
            Futures.map(
                devices.installed(snapshot.epoch()),
                installed ->
                    ActivateTaskVersionResponse.newBuilder()
                        .setTask(TaskMessages.task(pool.history(name)))
                        .setEpoch(snapshot.epoch())
                        .build()));
  }

  private CompletableFuture<WithdrawContributionResponse> withdraw(
      WithdrawContributionRequest request) {
    String name = checkedName(request.getName());
    String id = request.getContributionId();
    if (id.isEmpty()) {
      throw ServingException.invalid(
          "EMPTY_CONTRIBUTION_ID",
          "contribution_id",
          "contribution id: empty (expected: one of the task's)");
    }
    return Futures.then(
        store.submit(() -> writer.withdraw(name, id)),
        snapshot ->
            Futures.map(
                devices.installed(snapshot.epoch()),
                installed ->
                    WithdrawContributionResponse.newBuilder()
                        .setTask(TaskMessages.task(pool.history(name)))
                        .setEpoch(snapshot.epoch())
                        .build()));
  }

  private Runnable watch(Call<WatchPoolRequest, WatchPoolResponse> call, WatchPoolRequest request) {
    LatestWriter<PoolSnapshot, WatchPoolResponse> latest =
        new LatestWriter<>(
            call,
            (old, fresh) -> fresh.epoch() >= old.epoch() ? fresh : old,
            snapshot -> call.write(message(snapshot)));
    // To listen waits for a change that is being written.
    CompletableFuture<AutoCloseable> listening = store.submit(() -> pool.listen(latest::offer));
    Futures.onDone(listening, call, now -> latest.offer(pool.snapshot()), call::fail);
    return () -> Closing.onPool(store, listening);
  }

  private static WatchPoolResponse message(PoolSnapshot snapshot) {
    WatchPoolResponse.Builder message = WatchPoolResponse.newBuilder().setEpoch(snapshot.epoch());
    snapshot
        .tasks()
        .forEach(
            task ->
                message.addTasks(
                    ActiveTask.newBuilder()
                        .setName(task.name())
                        .setVersionId(task.versionId())
                        .setContributions(task.contributions().size())));
    return message.build();
  }

  static String checkedName(String name) {
    if (name.isEmpty()) {
      throw ServingException.invalid("EMPTY_NAME", "name", "name: empty (expected: a task's name)");
    }
    return name;
  }
}
