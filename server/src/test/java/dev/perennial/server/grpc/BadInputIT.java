package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.Requests;
import dev.perennial.server.StreamAnswers;
import dev.perennial.server.Teaching;
import dev.perennial.server.TestImages;
import dev.perennial.server.TestServer;
import dev.perennial.server.TinyModel;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ClassifyResponse;
import dev.perennial.v1.Image;
import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.LabelSet;
import dev.perennial.v1.RawImage;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainResponse;
import io.grpc.CallOptions;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.StreamObserver;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Promise 7: bad input harms only its sender. While each piece of bad input is answered, a
 * neighbour's stream on another connection goes on, and its answers are those of a quiet server.
 */
class BadInputIT {
  private static final int PIXELS = 3 * TinyModel.IMAGE_SIZE * TinyModel.IMAGE_SIZE;
  private static final String OK = "OK";
  private static final int NEIGHBOURS_IMAGES = 8;

  @TempDir static Path directory;
  private static TestServer server;
  private static List<ClassifyResponse> undisturbed;

  private StreamAnswers<ClassifyRequest, ClassifyResponse> neighbour;
  private StreamObserver<ClassifyRequest> neighboursCall;

  @BeforeAll
  static void start() {
    server = TestServer.start(directory);
    StreamAnswers<ClassifyRequest, ClassifyResponse> quiet = StreamAnswers.eager();
    StreamObserver<ClassifyRequest> call = server.inference().classify(quiet);
    undisturbed = askAll(call, quiet);
    call.onCompleted();
  }

  @AfterAll
  static void stop() {
    server.close();
  }

  @BeforeEach
  void openNeighbour() {
    neighbour = StreamAnswers.eager();
    neighboursCall = InferenceServiceGrpc.newStub(server.anotherChannel()).classify(neighbour);
    neighboursCall.onNext(neighbours(0));
    assertEquals(undisturbed.get(0), neighbour.next());
  }

  @AfterEach
  void neighbourDidNotNotice() {
    for (int i = 1; i < NEIGHBOURS_IMAGES; i++) {
      neighboursCall.onNext(neighbours(i));
      assertEquals(undisturbed.get(i), neighbour.next());
    }
    neighboursCall.onCompleted();
    assertNull(neighbour.end());
  }

  private static ClassifyRequest neighbours(int i) {
    Image image = TestImages.png(0x3060A0 * (i + 1), i);
    return i == 0
        ? Requests.classify(image, Requests.labels("one", "two", "three"))
        : Requests.classify(image);
  }

  /** One after the other: alone in its batch, an answer is the same to the last bit. */
  private static List<ClassifyResponse> askAll(
      StreamObserver<ClassifyRequest> call,
      StreamAnswers<ClassifyRequest, ClassifyResponse> answers) {
    List<ClassifyResponse> all = new ArrayList<>();
    for (int i = 0; i < NEIGHBOURS_IMAGES; i++) {
      call.onNext(neighbours(i));
      all.add(answers.next());
    }
    return all;
  }

  static Stream<Arguments> images() {
    BufferedImage photo = TestImages.noise(60, 40, 0x808080, 5);
    byte[] jpeg = TestImages.file("jpg", photo);
    BufferedImage sixteenBit = new BufferedImage(30, 30, BufferedImage.TYPE_USHORT_GRAY);
    BufferedImage palette = new BufferedImage(30, 30, BufferedImage.TYPE_BYTE_INDEXED);
    Image.Builder nan = TestImages.pixels(0.5f, PIXELS).toBuilder();
    nan.getPixelsBuilder().setValues(17, Float.NaN);
    String image = "INVALID_ARGUMENT * image.encoded";
    return Stream.of(
        Arguments.of("JPEG", TestImages.encoded(jpeg), OK),
        Arguments.of("truncated JPEG", TestImages.encoded(TestImages.truncated(jpeg)), image),
        Arguments.of(
            "truncated PNG",
            TestImages.encoded(TestImages.truncated(TestImages.file("png", photo))),
            image),
        Arguments.of(
            "1 pixel",
            TestImages.encoded(TestImages.file("png", TestImages.noise(1, 1, 9, 1))),
            OK),
        Arguments.of("20,000 pixels wide", TestImages.encoded(TestImages.bomb(20_000, 2)), image),
        Arguments.of("bomb", TestImages.encoded(TestImages.bomb(40_000, 40_000)), image),
        Arguments.of(
            "bomb within the edges", TestImages.encoded(TestImages.bomb(16_000, 16_000)), image),
        Arguments.of("16 bits", TestImages.encoded(TestImages.file("png", sixteenBit)), OK),
        Arguments.of("palette", TestImages.encoded(TestImages.file("png", palette)), OK),
        Arguments.of("CMYK", golden("cmyk.jpg"), OK),
        Arguments.of("16-bit colours", golden("rgba16.png"), OK),
        Arguments.of("palette with transparency", golden("palette_transparent.png"), OK),
        Arguments.of("animated GIF", golden("animated.gif"), OK),
        Arguments.of(
            "text file", TestImages.encoded("hello".getBytes(StandardCharsets.UTF_8)), image),
        Arguments.of("no bytes", TestImages.encoded(new byte[0]), image),
        Arguments.of("no form", Image.getDefaultInstance(), "INVALID_ARGUMENT MISSING_IMAGE image"),
        Arguments.of(
            "raw of no size",
            Image.newBuilder().setRaw(RawImage.getDefaultInstance()).build(),
            "INVALID_ARGUMENT IMAGE_SIZE image.raw"),
        Arguments.of(
            "raw of 2^31 x 2^31",
            Image.newBuilder()
                .setRaw(RawImage.newBuilder().setWidth(-1 << 31).setHeight(-1 << 31))
                .build(),
            "INVALID_ARGUMENT IMAGE_SIZE image.raw"),
        Arguments.of(
            "raw of too few bytes",
            Image.newBuilder().setRaw(RawImage.newBuilder().setWidth(9).setHeight(9)).build(),
            "INVALID_ARGUMENT IMAGE_SIZE image.raw.rgb"),
        Arguments.of(
            "NaN in a tensor",
            nan.build(),
            "INVALID_ARGUMENT TENSOR_VALUE image.pixels.values[17]"),
        Arguments.of(
            "tensor of another size",
            TestImages.pixels(0.5f, PIXELS - 1),
            "INVALID_ARGUMENT TENSOR_SIZE image.pixels.values"),
        Arguments.of("tensor far away", TestImages.pixels(1e6f, PIXELS), OK),
        Arguments.of(
            "tensor too far away",
            TestImages.pixels(1e30f, PIXELS),
            "INVALID_ARGUMENT TENSOR_VALUE image.pixels.values[0]"));
  }

  private static Image golden(String name) {
    try (InputStream in = BadInputIT.class.getResourceAsStream("/golden/image/files/" + name)) {
      if (in == null) {
        throw new AssertionError(name + " is missing");
      }
      return TestImages.encoded(in.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("images")
  void classify_image_hasItsAnswerAndTheStreamGoesOn(String name, Image image, String expected) {
    checkAnswer(Requests.classify(image, Requests.labels("a", "b")), expected);
  }

  static Stream<Arguments> labelSets() {
    List<String> tenThousand = IntStream.range(0, 10_000).mapToObj(i -> "thing " + i).toList();
    List<String> oneMore = IntStream.range(0, 10_001).mapToObj(i -> "thing " + i).toList();
    String labels = "label_set.explicit.labels";
    return Stream.of(
        Arguments.of("none", Requests.labels(), "INVALID_ARGUMENT LABEL_COUNT " + labels),
        Arguments.of("10,000", Requests.labels(tenThousand), OK),
        Arguments.of("10,001", Requests.labels(oneMore), "INVALID_ARGUMENT LABEL_COUNT " + labels),
        Arguments.of(
            "duplicates",
            Requests.labels("a", "b", "a"),
            "INVALID_ARGUMENT DUPLICATE_LABEL " + labels + "[2]"),
        Arguments.of("emoji", Requests.labels("🦜", "🧑‍🚀 im Weltall", "日本"), OK),
        Arguments.of(
            "empty", Requests.labels("a", ""), "INVALID_ARGUMENT BAD_LABEL " + labels + "[1]"),
        Arguments.of(
            "blank", Requests.labels("a", " \t"), "INVALID_ARGUMENT BAD_LABEL " + labels + "[1]"),
        Arguments.of("end of text", Requests.labels("<|endoftext|>", "b"), OK),
        Arguments.of("longer than the context", Requests.labels("x".repeat(1_000), "b"), OK),
        Arguments.of(
            "far too long",
            Requests.labels("x".repeat(2_000), "b"),
            "INVALID_ARGUMENT BAD_LABEL " + labels + "[0]"),
        Arguments.of(
            "not set",
            LabelSet.getDefaultInstance(),
            "INVALID_ARGUMENT MISSING_LABEL_SET label_set"),
        Arguments.of(
            "task without a name", Requests.task(""), "INVALID_ARGUMENT EMPTY_TASK label_set.task"),
        Arguments.of(
            "template without a place",
            template("a photo"),
            "INVALID_ARGUMENT BAD_TEMPLATE label_set.explicit.template"),
        Arguments.of(
            "template with two places",
            template("{} and {}"),
            "INVALID_ARGUMENT BAD_TEMPLATE label_set.explicit.template"));
  }

  private static LabelSet template(String template) {
    LabelSet.Builder labels = Requests.labels("a", "b").toBuilder();
    labels.getExplicitBuilder().setTemplate(template);
    return labels.build();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("labelSets")
  void classify_labelSet_hasItsAnswerAndTheStreamGoesOn(
      String name, LabelSet labels, String expected) {
    checkAnswer(Requests.classify(TestImages.png(0x808080, 3), labels), expected);
  }

  private static void checkAnswer(ClassifyRequest request, String expected) {
    StreamAnswers<ClassifyRequest, ClassifyResponse> answers = StreamAnswers.eager();
    StreamObserver<ClassifyRequest> call = server.inference().classify(answers);
    call.onNext(request);
    ClassifyResponse answer = answers.next();
    String seen = answer.hasError() ? Requests.failure(answer.getError()) : OK;
    String pattern = "\\Q" + expected.replace("*", "\\E\\w+\\Q") + "\\E";
    assertTrue(seen.matches(pattern), () -> seen + ", expected " + expected + "\n" + answer);
    call.onNext(Requests.classify(TestImages.png(0x102030, 4), Requests.labels("whole", "again")));
    assertTrue(answers.next().hasClassification());
    call.onCompleted();
    assertNull(answers.end());
  }

  @Test
  void train_allExamplesOfOneClass_isRefusedAtTheCommit() {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    call.onNext(Teaching.spec("one-class", ""));
    for (int i = 0; i < 5; i++) {
      call.onNext(Teaching.example(Teaching.image(i), "red"));
    }
    call.onNext(Teaching.commit());
    Throwable failure = answers.end();
    assertNotNull(failure);
    assertEquals("INVALID_ARGUMENT TOO_FEW_CLASSES spec.class_names", Requests.failure(failure));
  }

  @Test
  void train_badExamples_areRejectedByIndex() {
    StreamAnswers<TrainRequest, TrainResponse> answers = StreamAnswers.eager();
    StreamObserver<TrainRequest> call = server.training().train(answers);
    call.onNext(Teaching.spec("bad-examples", ""));
    byte[] jpeg = TestImages.file("jpg", TestImages.noise(60, 40, 0x808080, 5));
    Image cut = TestImages.encoded(TestImages.truncated(jpeg));
    Image bomb = TestImages.encoded(TestImages.bomb(40_000, 40_000));
    Image tensor = TestImages.pixels(Float.NaN, PIXELS);
    for (Image image : List.of(cut, bomb, tensor)) {
      call.onNext(Teaching.example(image, "red"));
    }
    Set<Long> rejected = new TreeSet<>();
    while (rejected.size() < 3) {
      TrainResponse answer = answers.next();
      if (answer.hasRejected()) {
        rejected.add(answer.getRejected().getIndex());
      }
    }
    assertEquals(Set.of(0L, 1L, 2L), rejected);
    call.onCompleted();
    Throwable failure = answers.end();
    assertNotNull(failure);
    assertEquals("INVALID_ARGUMENT NOT_COMMITTED", Requests.failure(failure));
  }

  @Test
  void classify_messageOverTheLimit_endsTheCallWithText() {
    StreamAnswers<ClassifyRequest, ClassifyResponse> answers = StreamAnswers.eager();
    StreamObserver<ClassifyRequest> call = server.inference().classify(answers);
    call.onNext(
        Requests.classify(TestImages.encoded(new byte[17 << 20]), Requests.labels("a", "b")));
    Throwable failure = answers.end();
    assertNotNull(failure);
    assertEquals("RESOURCE_EXHAUSTED MESSAGE_TOO_LARGE", Requests.failure(failure));
    assertTrue(String.valueOf(failure.getMessage()).contains("16777216"));
  }

  @Test
  void classify_corruptProtobuf_endsTheCallWithText() {
    MethodDescriptor<byte[], byte[]> method =
        InferenceServiceGrpc.getClassifyMethod().toBuilder(new Bytes(), new Bytes()).build();
    StreamAnswers<byte[], byte[]> answers = StreamAnswers.eager();
    StreamObserver<byte[]> call =
        ClientCalls.asyncBidiStreamingCall(
            server.channel().newCall(method, CallOptions.DEFAULT), answers);
    call.onNext(new byte[] {10, 127, 1, 2, 3});
    Throwable failure = answers.end();
    assertNotNull(failure);
    assertEquals(Status.Code.INVALID_ARGUMENT, Status.fromThrowable(failure).getCode());
    assertEquals("INVALID_ARGUMENT MALFORMED_MESSAGE", Requests.failure(failure));
  }

  /** Bytes as they are. */
  private static final class Bytes implements MethodDescriptor.Marshaller<byte[]> {
    @Override
    public InputStream stream(byte[] value) {
      return new ByteArrayInputStream(value);
    }

    @Override
    public byte[] parse(InputStream stream) {
      try {
        return stream.readAllBytes();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
