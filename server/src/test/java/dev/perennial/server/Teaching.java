package dev.perennial.server;

import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClassifyImageResponse;
import dev.perennial.v1.Commit;
import dev.perennial.v1.Example;
import dev.perennial.v1.Image;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import dev.perennial.v1.TrainingJob;
import dev.perennial.v1.TrainingJobState;
import dev.perennial.v1.TrainingOptions;
import dev.perennial.v1.TrainingServiceGrpc;
import dev.perennial.v1.TrainingSpec;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Uploads for tests: a few pictures of three colours, and training that takes no time. */
public final class Teaching {
  public static final List<String> COLOURS = List.of("blue", "green", "red");

  private static final int[] RGB = {0x2020E0, 0x20C020, 0xE02020};

  private Teaching() {}

  public static TrainRequest spec(String task, String requestId) {
    return spec(task, requestId, 3);
  }

  public static TrainRequest spec(String task, String requestId, long seed) {
    return TrainRequest.newBuilder()
        .setSpec(
            TrainingSpec.newBuilder()
                .setTask(task)
                .setRequestId(requestId)
                .setOptions(
                    TrainingOptions.newBuilder()
                        .setSeed(seed)
                        .setDepth(2)
                        .setPrefixLength(2)
                        .setEpochs(2)
                        .setBatchSize(8)
                        .setLearningRate(1f)))
        .build();
  }

  /** The i-th picture: its colour goes round. */
  public static Image image(int i) {
    return TestImages.png(RGB[i % RGB.length], i);
  }

  public static TrainRequest example(int i) {
    return example(image(i), COLOURS.get(i % COLOURS.size()));
  }

  public static TrainRequest example(Image image, String label) {
    return TrainRequest.newBuilder()
        .setExample(Example.newBuilder().setImage(image).setLabel(label))
        .build();
  }

  public static TrainRequest commit() {
    return TrainRequest.newBuilder().setCommit(Commit.getDefaultInstance()).build();
  }

  /** Sends a whole upload. */
  public static void upload(
      StreamObserver<TrainRequest> call, String task, String requestId, int examples) {
    upload(call, spec(task, requestId), examples);
  }

  /** The same with a spec of one's own. */
  public static void upload(StreamObserver<TrainRequest> call, TrainRequest spec, int examples) {
    call.onNext(spec);
    for (int i = 0; i < examples; i++) {
      call.onNext(example(i));
    }
    call.onNext(commit());
    call.onCompleted();
  }

  /** Teaches and waits; the job that succeeded. */
  public static TrainingJob teach(TestServer server, String task) {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    upload(server.training().train(answers), task, "", 24);
    TrainingJob job = lastJob(answers);
    if (job.getState() != TrainingJobState.TRAINING_JOB_STATE_SUCCEEDED) {
      throw new AssertionError(job);
    }
    return job;
  }

  /** The same at a member of a cluster; throws where the job did not succeed. */
  static TrainingJob teach(MemberProcess member, String task, long seed) {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    upload(
        TrainingServiceGrpc.newStub(member.channel())
            .withDeadlineAfter(90, TimeUnit.SECONDS)
            .train(answers),
        spec(task, "", seed),
        24);
    TrainingJob job = lastJob(answers);
    if (job.getVersionId().isEmpty()) {
      throw new AssertionError(job);
    }
    return job;
  }

  /** What a member says of a picture, by the classes of a task. */
  static ClassifyImageResponse classify(MemberProcess member, String task) {
    return member
        .inference()
        .classifyImage(
            ClassifyImageRequest.newBuilder()
                .setImage(image(1))
                .setLabelSet(Requests.task(task))
                .build());
  }

  /** The job as the stream's last answer has it. */
  public static TrainingJob lastJob(StreamAnswers<TrainRequest, TrainResponse> answers) {
    TrainResponse last;
    do {
      last = answers.next();
    } while (!last.hasJob() || !ended(last.getJob()));
    return last.getJob();
  }

  public static boolean ended(TrainingJob job) {
    return switch (job.getState()) {
      case TRAINING_JOB_STATE_SUCCEEDED, TRAINING_JOB_STATE_FAILED, TRAINING_JOB_STATE_CANCELLED ->
          true;
      default -> false;
    };
  }
}
