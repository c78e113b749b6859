package dev.perennial.server.chaos;

import com.google.protobuf.ByteString;
import dev.perennial.v1.Commit;
import dev.perennial.v1.Example;
import dev.perennial.v1.Image;
import dev.perennial.v1.RawImage;
import dev.perennial.v1.TrainRequest;
import dev.perennial.v1.TrainingOptions;
import dev.perennial.v1.TrainingSpec;
import java.util.List;
import java.util.Random;

/**
 * A task that is learnt in no time: a few pictures of three colours. Its class names carry its task
 * and number, so that an answer's labels tell which lessons it was computed with. Immutable.
 *
 * @param number of the lesson: no two of a run have the same
 * @param epochs rounds over the examples: many make training long; {@link #STATISTICS_ONLY} is none
 * @param classesOf the number of the lesson that the classes come from: its own where it trains
 */
record Lesson(String task, int number, int epochs, int classesOf) {
  static final int STATISTICS_ONLY = 0;

  static final List<String> COLOURS = List.of("blue", "green", "red");
  static final int EXAMPLES = 12;

  private static final int[] RGB = {0x2020E0, 0x20C020, 0xE02020};
  private static final String REQUEST = "lesson-";
  private static final int SIDE = 32;
  private static final int NOISE = 61;

  /** One with classes of its own. */
  Lesson(String task, int number, int epochs) {
    this(task, number, epochs, number);
  }

  /** The task and number in a label. */
  record Origin(String task, int number) {
    static Origin of(String label) {
      String[] words = label.split(" ", -1);
      return new Origin(words[0], Integer.parseInt(words[1]));
    }
  }

  List<String> classNames() {
    return COLOURS.stream().map(colour -> task + " " + classesOf + " " + colour).toList();
  }

  String requestId() {
    return REQUEST + number;
  }

  /** The lesson that a job of the run was. */
  static Origin origin(String task, String requestId) {
    return new Origin(task, Integer.parseInt(requestId.substring(REQUEST.length())));
  }

  TrainRequest spec() {
    return TrainRequest.newBuilder()
        .setSpec(
            TrainingSpec.newBuilder()
                .setTask(task)
                .addAllClassNames(classNames())
                .setRequestId(requestId())
                .setStatisticsOnly(epochs == STATISTICS_ONLY)
                .setOptions(
                    epochs == STATISTICS_ONLY ? TrainingOptions.getDefaultInstance() : options()))
        .build();
  }

  private TrainingOptions options() {
    return TrainingOptions.newBuilder()
        .setSeed(number)
        .setDepth(1)
        .setPrefixLength(1)
        .setEpochs(epochs)
        .setBatchSize(EXAMPLES)
        .setValidationShare(0)
        .setLearningRate(1f)
        .build();
  }

  TrainRequest example(int index) {
    return TrainRequest.newBuilder()
        .setExample(
            Example.newBuilder()
                .setImage(picture(index % RGB.length, 1_000L * number + index))
                .setLabel(classNames().get(index % RGB.length)))
        .build();
  }

  static TrainRequest commit() {
    return TrainRequest.newBuilder().setCommit(Commit.getDefaultInstance()).build();
  }

  /** Noise around a colour. */
  static Image picture(int colour, long seed) {
    Random random = new Random(seed);
    byte[] rgb = new byte[SIDE * SIDE * 3];
    for (int i = 0; i < rgb.length; i++) {
      int value = (RGB[colour] >> (16 - 8 * (i % 3))) & 0xFF;
      rgb[i] = (byte) Math.max(0, Math.min(255, value + random.nextInt(NOISE) - NOISE / 2));
    }
    return Image.newBuilder()
        .setRaw(
            RawImage.newBuilder().setWidth(SIDE).setHeight(SIDE).setRgb(ByteString.copyFrom(rgb)))
        .build();
  }
}
