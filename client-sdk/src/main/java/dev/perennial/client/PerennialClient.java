package dev.perennial.client;

import com.google.protobuf.MessageLite;
import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ActivateTaskVersionRequest;
import dev.perennial.v1.CancelTrainingJobRequest;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClusterServiceGrpc;
import dev.perennial.v1.DeleteTaskRequest;
import dev.perennial.v1.ExportTaskRequest;
import dev.perennial.v1.GetClusterRequest;
import dev.perennial.v1.GetTaskRequest;
import dev.perennial.v1.GetTrainingJobRequest;
import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.ListTasksRequest;
import dev.perennial.v1.ListTasksResponse;
import dev.perennial.v1.ListTrainingJobsRequest;
import dev.perennial.v1.ListTrainingJobsResponse;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.TrainingServiceGrpc;
import dev.perennial.v1.WithdrawContributionRequest;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.stream.Stream;

/**
 * A connection to a Perennial server, or to several that are one cluster: classify, embed, teach,
 * and look after what was taught. Make one, share it, close it.
 *
 * <p>Threads: safe for any thread. Blocking methods block the caller only; they throw {@link
 * PerennialException}, and an interrupt cancels their call. Futures and listeners run on the
 * client's threads and must not block them.
 *
 * <p>Every call has a deadline. A unary call is tried again only where the server asks for it, or
 * where it could not be reached and repeating is harmless; at another server where there is one;
 * always within its deadline and, but for what a lost server leaves, within a budget that keeps
 * retries a small share of the traffic.
 *
 * <p>Several servers: a call goes to one that says it serves ({@code grpc.health.v1}), of two at
 * random to that with less to do. Streams move when their server is lost or drains.
 */
public final class PerennialClient implements AutoCloseable {
  /** The most that a list call gathers. */
  private static final int MAX_LISTED = 10_000;

  private final Connection connection;

  PerennialClient(Connection connection) {
    this.connection = connection;
  }

  /** Starts a client; only the target must be given. */
  public static ClientBuilder builder() {
    return new ClientBuilder();
  }

  /** Classifies one image. */
  public CompletableFuture<Classification> classifyAsync(Image image, Labels labels) {
    return classifyAsync(image, labels, connection.config().deadline());
  }

  /** The same with a deadline of its own. */
  public CompletableFuture<Classification> classifyAsync(
      Image image, Labels labels, Duration deadline) {
    ClassifyImageRequest request = labels.one(image);
    return RetryingCall.start(
        connection,
        true,
        deadline,
        (left, route) ->
            connection.unary(
                InferenceServiceGrpc.getClassifyImageMethod(),
                request,
                response -> Classification.of(response.getClassification()),
                left,
                route));
  }

  /** Classifies one image and waits. */
  public Classification classify(Image image, Labels labels) {
    return Blocking.get(classifyAsync(image, labels));
  }

  /** Opens a stream that classifies many images; close it. */
  public StreamingClassifier classifier(Labels labels, StreamOptions options) {
    return new StreamingClassifier(connection, labels, options);
  }

  /** The same with the default window. */
  public StreamingClassifier classifier(Labels labels) {
    return classifier(labels, StreamOptions.DEFAULTS);
  }

  /** Embeds one image or text. */
  public CompletableFuture<Embedding> embedAsync(EmbedQuery query) {
    return RetryingCall.start(
        connection,
        true,
        connection.config().deadline(),
        (left, route) -> StreamingEmbedder.one(connection, query, left, route));
  }

  /** Embeds one image or text and waits. */
  public Embedding embed(EmbedQuery query) {
    return Blocking.get(embedAsync(query));
  }

  /** Opens a stream that embeds many images and texts; close it. */
  public StreamingEmbedder embedder(StreamOptions options) {
    return new StreamingEmbedder(connection, options);
  }

  /**
   * Teaches a task: uploads the examples, commits and follows the job to its end. If the connection
   * breaks, the upload goes on where it was acknowledged, at another server where there is one;
   * after the commit the job is followed on.
   */
  public TrainingRun train(TrainingSpec spec, Examples examples, TrainingListener listener) {
    CompletableFuture<TrainingJob> committed = connection.track(new CompletableFuture<>());
    TrainEvents events = new TrainEvents(listener, committed);
    TrainFollower follower = new TrainFollower(connection, events);
    CompletableFuture<TrainingJob> completion = follow(() -> follower.train(spec, examples));
    var unused =
        completion.whenComplete(
            (job, failure) -> {
              if (failure != null) {
                committed.completeExceptionally(failure);
              }
            });
    return new TrainingRun(spec.requestId(), committed, completion);
  }

  /** Follows a job from anywhere, over broken streams too, to its end; cancel it to stop. */
  public CompletableFuture<TrainingJob> watchJob(String jobId, TrainingListener listener) {
    TrainEvents events = new TrainEvents(listener, new CompletableFuture<>());
    TrainFollower follower = new TrainFollower(connection, events);
    return follow(() -> follower.watch(jobId));
  }

  /** One job as it stands. */
  public TrainingJob getJob(String jobId) {
    GetTrainingJobRequest request = GetTrainingJobRequest.newBuilder().setJobId(jobId).build();
    return TrainingJob.of(call(TrainingServiceGrpc.getGetTrainingJobMethod(), request).getJob());
  }

  /**
   * Jobs, newest first.
   *
   * @param task only this task's; empty for all
   * @param max at most so many
   */
  public List<TrainingJob> listJobs(String task, int max) {
    List<TrainingJob> jobs = new ArrayList<>();
    String page = "";
    do {
      ListTrainingJobsResponse response =
          call(
              TrainingServiceGrpc.getListTrainingJobsMethod(),
              ListTrainingJobsRequest.newBuilder().setTask(task).setPageToken(page).build());
      response.getJobsList().forEach(job -> jobs.add(TrainingJob.of(job)));
      page = response.getNextPageToken();
    } while (!page.isEmpty() && jobs.size() < max);
    return List.copyOf(jobs.subList(0, Math.min(max, jobs.size())));
  }

  /** Asks a job to stop; one that has ended stays as it is. */
  public TrainingJob cancelJob(String jobId) {
    CancelTrainingJobRequest request =
        CancelTrainingJobRequest.newBuilder().setJobId(jobId).build();
    return TrainingJob.of(call(TrainingServiceGrpc.getCancelTrainingJobMethod(), request).getJob());
  }

  /** Tasks by name, sorted; at most 10,000. */
  public List<Task> listTasks() {
    List<Task> tasks = new ArrayList<>();
    String page = "";
    do {
      ListTasksResponse response =
          call(
              TaskServiceGrpc.getListTasksMethod(),
              ListTasksRequest.newBuilder().setPageToken(page).build());
      response.getTasksList().forEach(task -> tasks.add(Task.of(task)));
      page = response.getNextPageToken();
    } while (!page.isEmpty() && tasks.size() < MAX_LISTED);
    return List.copyOf(tasks);
  }

  /** One task with all its versions. */
  public Task getTask(String name) {
    GetTaskRequest request = GetTaskRequest.newBuilder().setName(name).build();
    return Task.of(call(TaskServiceGrpc.getGetTaskMethod(), request).getTask());
  }

  /**
   * Unlearns a task. Where the connection breaks under way it is repeated, at another server if
   * there is one; that the task is gone by then is what was wanted.
   *
   * @return the pool's first epoch without it; after a repetition one without it
   */
  public long deleteTask(String name) {
    DeleteTaskRequest request = DeleteTaskRequest.newBuilder().setName(name).build();
    try {
      return call(TaskServiceGrpc.getDeleteTaskMethod(), request).getEpoch();
    } catch (PerennialException e) {
      if (e.code() == Code.NOT_FOUND && lostBefore(e)) {
        return call(TaskServiceGrpc.getListTasksMethod(), ListTasksRequest.getDefaultInstance())
            .getEpoch();
      }
      throw e;
    }
  }

  /**
   * Takes statistics back that were added to a task: every answer is bit for bit what it would be
   * without them. Repeated as {@link #deleteTask} is: what is gone by then was wanted gone.
   */
  public Task withdrawContribution(String name, String contributionId) {
    WithdrawContributionRequest request =
        WithdrawContributionRequest.newBuilder()
            .setName(name)
            .setContributionId(contributionId)
            .build();
    try {
      return Task.of(call(TaskServiceGrpc.getWithdrawContributionMethod(), request).getTask());
    } catch (PerennialException e) {
      if (e.code() == Code.NOT_FOUND && lostBefore(e)) {
        return getTask(name);
      }
      throw e;
    }
  }

  /** The servers that act as one, the oldest first; a server alone is a cluster of one. */
  public List<ClusterMember> getCluster(boolean withVersions) {
    GetClusterRequest request =
        GetClusterRequest.newBuilder().setWithVersions(withVersions).build();
    return call(ClusterServiceGrpc.getGetClusterMethod(), request).getMembersList().stream()
        .map(ClusterMember::of)
        .toList();
  }

  /** Rolls a task back, or forward, to one of its versions. */
  public Task activateTaskVersion(String name, String versionId) {
    ActivateTaskVersionRequest request =
        ActivateTaskVersionRequest.newBuilder().setName(name).setVersionId(versionId).build();
    return Task.of(call(TaskServiceGrpc.getActivateTaskVersionMethod(), request).getTask());
  }

  /**
   * One version of a task as a file, its hash checked.
   *
   * @param versionId empty for the active one
   */
  public TaskFile exportTask(String name, String versionId) {
    ExportTaskRequest request =
        ExportTaskRequest.newBuilder().setName(name).setVersionId(versionId).build();
    return Blocking.get(
        RetryingCall.start(
            connection,
            false,
            connection.config().streamDeadline(),
            (left, route) -> TaskFileCalls.export(connection, request, left, route)));
  }

  /**
   * Brings a version in from another server of the same backbone, and makes it its task's active
   * one. To do it twice changes nothing.
   */
  public Task importTask(TaskFile file) {
    return Blocking.get(
        RetryingCall.start(
            connection,
            false,
            connection.config().streamDeadline(),
            (left, route) -> TaskFileCalls.importing(connection, file, left, route)));
  }

  /**
   * Ends uploads and watches, lets calls in flight end for up to five seconds, then breaks off what
   * is left: afterwards no future is pending. Twice is fine.
   */
  @Override
  public void close() {
    connection.close();
  }

  /** Whether an earlier attempt may have done what was asked. */
  private static boolean lostBefore(PerennialException failure) {
    return Stream.of(failure.getSuppressed())
        .anyMatch(
            earlier ->
                earlier instanceof PerennialException known && known.code() == Code.UNAVAILABLE);
  }

  private <Q extends MessageLite, R> R call(MethodDescriptor<Q, R> method, Q request) {
    return Blocking.get(
        RetryingCall.start(
            connection,
            false,
            connection.config().deadline(),
            (left, route) -> connection.unary(method, request, response -> response, left, route)));
  }

  /** Work of a thread of its own that ends with a job. */
  private interface Following {
    TrainingJob run() throws InterruptedException;
  }

  private CompletableFuture<TrainingJob> follow(Following following) {
    connection.checkOpen();
    CompletableFuture<TrainingJob> completion = connection.track(new CompletableFuture<>());
    try {
      Future<?> thread = connection.runs().submit(() -> finish(completion, following));
      var unused = completion.whenComplete((job, failure) -> thread.cancel(true));
    } catch (RejectedExecutionException e) {
      completion.completeExceptionally(
          new PerennialException(
              Code.RESOURCE_EXHAUSTED,
              "uploads and watches: too many (expected: at most %d at a time)"
                  .formatted(Connection.MAX_RUNS),
              e));
    }
    return completion;
  }

  private static void finish(CompletableFuture<TrainingJob> completion, Following following) {
    try {
      completion.complete(following.run());
    } catch (InterruptedException e) {
      completion.completeExceptionally(
          new PerennialException(Code.CANCELLED, "upload or watch: left", e));
    } catch (RuntimeException | Error e) {
      completion.completeExceptionally(e);
    }
  }
}
