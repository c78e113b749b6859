package dev.perennial.server.grpc;

import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.training.TrainingJob;
import dev.perennial.server.training.TrainingJobs;
import dev.perennial.v1.CancelTrainingJobRequest;
import dev.perennial.v1.CancelTrainingJobResponse;
import dev.perennial.v1.GetTrainingJobRequest;
import dev.perennial.v1.GetTrainingJobResponse;
import dev.perennial.v1.ListTrainingJobsRequest;
import dev.perennial.v1.ListTrainingJobsResponse;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingProto;
import dev.perennial.v1.WatchTrainingJobRequest;
import dev.perennial.v1.WatchTrainingJobResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** Uploads, and the jobs that they became. Safe for any thread. */
final class TrainingService {
  static final ServiceDescriptor SERVICE =
      TrainingProto.getDescriptor().findServiceByName("TrainingService");

  private final GrpcConfig config;
  private final ClipConfig model;
  private final ImageDecoder.Limits limits;
  private final TrainingJobs jobs;
  private final StorePool store;

  TrainingService(
      GrpcConfig config,
      ClipConfig model,
      ImageDecoder.Limits limits,
      TrainingJobs jobs,
      StorePool store) {
    this.config = config;
    this.model = model;
    this.limits = limits;
    this.jobs = jobs;
    this.store = store;
  }

  List<Method<?, ?>> methods() {
    return List.of(
        Method.<TrainRequest, TrainResponse>stream(
                SERVICE,
                "Train",
                TrainRequest.getDefaultInstance(),
                call -> new TrainStream(call, config, model, limits, jobs, store))
            .unlimited(),
        Method.<GetTrainingJobRequest, GetTrainingJobResponse>unary(
            SERVICE,
            "GetTrainingJob",
            GetTrainingJobRequest.getDefaultInstance(),
            (call, request) -> CompletableFuture.completedFuture(get(request))),
        Method.<ListTrainingJobsRequest, ListTrainingJobsResponse>unary(
            SERVICE,
            "ListTrainingJobs",
            ListTrainingJobsRequest.getDefaultInstance(),
            (call, request) -> CompletableFuture.completedFuture(list(request))),
        Method.<WatchTrainingJobRequest, WatchTrainingJobResponse>watch(
            SERVICE, "WatchTrainingJob", WatchTrainingJobRequest.getDefaultInstance(), this::watch),
        Method.<CancelTrainingJobRequest, CancelTrainingJobResponse>unary(
            SERVICE,
            "CancelTrainingJob",
            CancelTrainingJobRequest.getDefaultInstance(),
            (call, request) -> store.submit(() -> cancel(request))));
  }

  private GetTrainingJobResponse get(GetTrainingJobRequest request) {
    TrainingJob job = jobs.job(checkedId(request.getJobId()));
    return GetTrainingJobResponse.newBuilder().setJob(JobMessages.message(job)).build();
  }

  private ListTrainingJobsResponse list(ListTrainingJobsRequest request) {
    Pages.Page<TrainingJob> page =
        JobPages.page(
            jobs.jobs(request.getTask().isEmpty() ? null : request.getTask()),
            request.getPageSize(),
            request.getPageToken());
    ListTrainingJobsResponse.Builder response =
        ListTrainingJobsResponse.newBuilder().setNextPageToken(page.nextToken());
    page.elements().forEach(job -> response.addJobs(JobMessages.message(job)));
    return response.build();
  }

  private Runnable watch(
      Call<WatchTrainingJobRequest, WatchTrainingJobResponse> call,
      WatchTrainingJobRequest request) {
    return JobFollower.follow(
        jobs,
        checkedId(request.getJobId()),
        call,
        job -> WatchTrainingJobResponse.newBuilder().setJob(JobMessages.message(job)).build());
  }

  private CancelTrainingJobResponse cancel(CancelTrainingJobRequest request) {
    TrainingJob job = jobs.cancel(checkedId(request.getJobId()));
    return CancelTrainingJobResponse.newBuilder().setJob(JobMessages.message(job)).build();
  }

  private static String checkedId(String jobId) {
    if (jobId.isEmpty()) {
      throw ServingException.invalid(
          "EMPTY_JOB_ID", "job_id", "job id: empty (expected: a job's id)");
    }
    return jobId;
  }
}
