package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.Requests;
import dev.perennial.server.StreamAnswers;
import dev.perennial.server.TestImages;
import dev.perennial.server.TestServer;
import dev.perennial.server.TinyModel;
import dev.perennial.v1.Classification;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ClassifyResponse;
import dev.perennial.v1.EmbedRequest;
import dev.perennial.v1.EmbedResponse;
import dev.perennial.v1.Image;
import dev.perennial.v1.LabelScore;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Classify, ClassifyImage and Embed over real sockets. */
class InferenceIT {
  private static final int PIXELS = 3 * TinyModel.IMAGE_SIZE * TinyModel.IMAGE_SIZE;

  @TempDir static Path directory;
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(directory);
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  private static List<ClassifyResponse> classify(ClassifyRequest... requests) {
    StreamAnswers<ClassifyRequest, ClassifyResponse> answers = StreamAnswers.eager();
    StreamObserver<ClassifyRequest> call = server.inference().classify(answers);
    for (ClassifyRequest request : requests) {
      call.onNext(request);
    }
    call.onCompleted();
    List<ClassifyResponse> all = answers.next(requests.length);
    assertNull(answers.end());
    assertEquals(0, answers.waiting());
    return all.stream().sorted(Comparator.comparing(ClassifyResponse::getIndex)).toList();
  }

  /**
   * Each is sent when the one before is answered: nothing shares a batch, so bits are comparable.
   */
  private static List<ClassifyResponse> classifyOneByOne(ClassifyRequest... requests) {
    StreamAnswers<ClassifyRequest, ClassifyResponse> answers = StreamAnswers.eager();
    StreamObserver<ClassifyRequest> call = server.inference().classify(answers);
    List<ClassifyResponse> all = new ArrayList<>();
    for (ClassifyRequest request : requests) {
      call.onNext(request);
      all.add(answers.next());
    }
    call.onCompleted();
    assertNull(answers.end());
    return all;
  }

  @Test
  void classify_manyImages_answersEachUnderItsIndex() {
    ClassifyRequest[] requests = new ClassifyRequest[200];
    requests[0] = Requests.classify(TestImages.png(0xFF0000, 0), Requests.labels("red", "blue"));
    for (int i = 1; i < requests.length; i++) {
      requests[i] = Requests.classify(TestImages.png(0x0000FF, i));
    }
    List<ClassifyResponse> answers = classify(requests);
    for (int i = 0; i < requests.length; i++) {
      assertEquals(i, answers.get(i).getIndex());
      assertFalse(answers.get(i).hasError(), answers.get(i)::toString);
      Classification answer = answers.get(i).getClassification();
      assertEquals(2, answer.getScoresCount());
      float sum = answer.getScores(0).getProbability() + answer.getScores(1).getProbability();
      assertEquals(1f, sum, 1e-5f);
      assertTrue(answer.getScores(0).getProbability() >= answer.getScores(1).getProbability());
      assertFalse(answer.hasRouting());
    }
  }

  @Test
  void classify_anotherLabelSetSent_holdsFromThatImageOn() {
    Image image = TestImages.png(0x00FF00, 1);
    List<ClassifyResponse> answers =
        classifyOneByOne(
            Requests.classify(image, Requests.labels("a", "b")),
            Requests.classify(image),
            Requests.classify(image, Requests.labels("c", "d", "e")),
            Requests.classify(image));
    assertEquals(List.of("a", "b"), labels(answers.get(0)));
    assertEquals(List.of("a", "b"), labels(answers.get(1)));
    assertEquals(List.of("c", "d", "e"), labels(answers.get(2)));
    assertEquals(List.of("c", "d", "e"), labels(answers.get(3)));
    assertEquals(answers.get(2).getClassification(), answers.get(3).getClassification());
  }

  @Test
  void classify_wrongLabelSet_failsImagesUntilAnotherIsSent() {
    Image image = TestImages.png(0x00FF00, 1);
    List<ClassifyResponse> answers =
        classifyOneByOne(
            Requests.classify(image, Requests.labels("a", "b")),
            Requests.classify(image, Requests.labels("a", "a")),
            Requests.classify(image),
            Requests.classify(image, Requests.labels("a", "b")));
    assertTrue(answers.get(0).hasClassification());
    String expected = "INVALID_ARGUMENT DUPLICATE_LABEL label_set.explicit.labels[1]";
    assertEquals(expected, Requests.failure(answers.get(1).getError()));
    assertEquals(expected, Requests.failure(answers.get(2).getError()));
    assertEquals(answers.get(0).getClassification(), answers.get(3).getClassification());
  }

  @Test
  void classify_noLabelSetAtFirst_isAnErrorAndTheStreamGoesOn() {
    Image image = TestImages.png(0x00FF00, 1);
    List<ClassifyResponse> answers =
        classify(Requests.classify(image), Requests.classify(image, Requests.labels("a", "b")));
    assertEquals(
        "INVALID_ARGUMENT MISSING_LABEL_SET label_set",
        Requests.failure(answers.get(0).getError()));
    assertTrue(answers.get(1).hasClassification());
  }

  @Test
  void classify_topK_isObeyedAndBounded() {
    Image image = TestImages.png(0x00FF00, 1);
    List<String> many = IntStream.range(0, 1_500).mapToObj(i -> "label " + i).toList();
    ClassifyRequest all = Requests.classify(image, Requests.labels(many));
    List<ClassifyResponse> answers =
        classifyOneByOne(
            all,
            Requests.classify(image).toBuilder().setTopK(3).build(),
            Requests.classify(image).toBuilder().setTopK(1_001).build());
    List<LabelScore> scores = answers.get(0).getClassification().getScoresList();
    assertEquals(1_000, scores.size());
    for (int i = 1; i < scores.size(); i++) {
      assertTrue(scores.get(i - 1).getProbability() >= scores.get(i).getProbability());
      assertEquals(many.get(scores.get(i).getLabelIndex()), scores.get(i).getLabel());
    }
    assertEquals(scores.subList(0, 3), answers.get(1).getClassification().getScoresList());
    assertEquals("INVALID_ARGUMENT TOP_K top_k", Requests.failure(answers.get(2).getError()));
  }

  @Test
  void classify_unknownTask_isNotFoundInTheStream() {
    Image image = TestImages.png(0x00FF00, 1);
    List<ClassifyResponse> answers =
        classify(
            Requests.classify(image, Requests.task("nobody")),
            Requests.classify(image, Requests.labels("a", "b")));
    assertTrue(
        Requests.failure(answers.get(0).getError()).startsWith("NOT_FOUND"),
        () -> answers.get(0).toString());
    assertTrue(answers.get(1).hasClassification());
  }

  @Test
  void classifyImage_sameImage_isAnsweredAsInAStream() {
    Image image = TestImages.png(0x123456, 9);
    Classification alone =
        server
            .inferenceBlocking()
            .classifyImage(
                ClassifyImageRequest.newBuilder()
                    .setImage(image)
                    .setLabelSet(Requests.labels("a", "b", "c"))
                    .build())
            .getClassification();
    Classification streamed =
        classify(Requests.classify(image, Requests.labels("a", "b", "c")))
            .get(0)
            .getClassification();
    assertEquals(labelsOf(streamed), labelsOf(alone));
    for (int i = 0; i < 3; i++) {
      assertEquals(streamed.getScores(i).getLogit(), alone.getScores(i).getLogit(), 1e-4f);
    }
  }

  @Test
  void classifyImage_noImage_isTheCallsStatus() {
    StatusRuntimeException seen =
        assertThrows(
            StatusRuntimeException.class,
            () ->
                server
                    .inferenceBlocking()
                    .classifyImage(
                        ClassifyImageRequest.newBuilder()
                            .setLabelSet(Requests.labels("a"))
                            .build()));
    assertEquals(Status.Code.INVALID_ARGUMENT, seen.getStatus().getCode());
    assertEquals("INVALID_ARGUMENT MISSING_IMAGE image", Requests.failure(seen));
  }

  @Test
  void embed_imagesAndTexts_haveUnitLengthAndOwnIndex() {
    StreamAnswers<EmbedRequest, EmbedResponse> answers = StreamAnswers.eager();
    StreamObserver<EmbedRequest> call = server.inference().embed(answers);
    call.onNext(EmbedRequest.newBuilder().setImage(TestImages.png(0xFFFF00, 3)).build());
    call.onNext(EmbedRequest.newBuilder().setText("a yellow thing").build());
    call.onNext(EmbedRequest.newBuilder().setImage(TestImages.pixels(0.5f, PIXELS)).build());
    call.onNext(EmbedRequest.getDefaultInstance());
    call.onNext(
        EmbedRequest.newBuilder().setText("x").setTask("nobody").setGateWeight(0.5f).build());
    call.onNext(
        EmbedRequest.newBuilder().setText("x").setTask("nobody").setGateWeight(1.5f).build());
    call.onCompleted();
    List<EmbedResponse> all =
        answers.next(6).stream().sorted(Comparator.comparing(EmbedResponse::getIndex)).toList();
    assertNull(answers.end());
    for (int i = 0; i < 3; i++) {
      double square = 0;
      for (float value : all.get(i).getEmbedding().getValuesList()) {
        square += value * value;
      }
      assertEquals(1.0, square, 1e-4, "index " + i);
    }
    assertEquals("INVALID_ARGUMENT MISSING_INPUT input", Requests.failure(all.get(3).getError()));
    assertTrue(Requests.failure(all.get(4).getError()).startsWith("NOT_FOUND"));
    assertEquals(
        "INVALID_ARGUMENT GATE_WEIGHT gate_weight", Requests.failure(all.get(5).getError()));
  }

  private static List<String> labels(ClassifyResponse answer) {
    return labelsOf(answer.getClassification()).stream().sorted().toList();
  }

  private static List<String> labelsOf(Classification answer) {
    return answer.getScoresList().stream().map(LabelScore::getLabel).toList();
  }
}
