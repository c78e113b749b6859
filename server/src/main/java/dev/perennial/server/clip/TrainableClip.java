package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram;
import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.safetensors.TensorData;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * A whole CLIP whose weights can move, with what AdamW remembers of each: three lists of tensors of
 * the same shapes on one device, float32. What every way of training it shares. Owned by one
 * thread.
 */
final class TrainableClip implements AutoCloseable {
  private static final double FIRST_LOGIT_SCALE = 1 / 0.07;

  private final ClipConfig config;
  private final List<WeightLayout.Entry> entries;
  private final TorchProgram program;
  private final TorchValue device;
  private final TorchValue imageWeights;

  /** The logit scale, then the image tower's weights, then the text tower's. */
  private final TorchValue weights;

  private final TorchValue means;
  private final TorchValue squares;
  private int steps;

  private final HostBuffer pixelsBuffer = new HostBuffer();
  private final TextBuffers textBuffers = new TextBuffers();

  /** Ids and ends of the texts of one call. */
  static final class TextBuffers {
    private final HostBuffer tokens = new HostBuffer();
    private final HostBuffer ends = new HostBuffer();

    TorchValue ids(Texts texts) {
      return tokens.longs(texts.tokens(), texts.count(), texts.length());
    }

    TorchValue ends(Texts texts) {
      return ends.longs(texts.ends());
    }
  }

  private TrainableClip(
      ClipConfig config,
      List<WeightLayout.Entry> entries,
      TorchProgram program,
      TorchValue device,
      List<TorchValue> lists) {
    this.config = config;
    this.entries = entries;
    this.program = program;
    this.device = device;
    this.imageWeights = TorchValue.integer(WeightLayout.image(config).size());
    this.weights = lists.get(0);
    this.means = lists.get(1);
    this.squares = lists.get(2);
  }

  /** Random weights from the seed, as in OpenAI's code (CLIP.initialize_parameters). */
  static TrainableClip start(ClipConfig config, String device, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return open(
        config,
        device,
        (program, entries) -> {
          try (TorchValue target = TorchValue.text(device)) {
            return filled(program, entries, target, entry -> random(entry, random));
          }
        });
  }

  /** The optimiser starts anew from given weights, under their Hugging Face names. */
  static TrainableClip from(ClipConfig config, String device, Map<String, TensorData> weights) {
    return open(
        config,
        device,
        (program, entries) -> Weights.place(program, entries, weights, device, Precision.FP32));
  }

  private static TrainableClip open(
      ClipConfig config,
      String device,
      BiFunction<TorchProgram, List<WeightLayout.Entry>, TorchValue> weights) {
    ClipModel.checkDevice(device);
    List<WeightLayout.Entry> entries = new ArrayList<>();
    entries.add(WeightLayout.logitScale(Math.log(FIRST_LOGIT_SCALE)));
    entries.addAll(WeightLayout.image(config));
    entries.addAll(WeightLayout.text(config));
    TorchProgram program = TowersArchive.load(config);
    TorchValue target = TorchValue.text(device);
    List<TorchValue> lists = new ArrayList<>();
    try {
      Weights.checkUsable(program, device);
      lists.add(weights.apply(program, entries));
      lists.add(filled(program, entries, target, TrainableClip::zeros));
      lists.add(filled(program, entries, target, TrainableClip::zeros));
    } catch (RuntimeException e) {
      lists.forEach(TorchValue::close);
      target.close();
      program.close();
      throw e;
    }
    return new TrainableClip(config, entries, program, target, lists);
  }

  private static float[] zeros(WeightLayout.Entry entry) {
    return new float[Math.toIntExact(entry.elementCount())];
  }

  private static float[] random(WeightLayout.Entry entry, SplittableRandom random) {
    WeightLayout.Init init = entry.init();
    float[] values = zeros(entry);
    for (int i = 0; i < values.length; i++) {
      double noise = init.standardDeviation() == 0 ? 0 : random.nextGaussian();
      values[i] = (float) (init.mean() + init.standardDeviation() * noise);
    }
    return values;
  }

  /** One tensor per entry, on the device. */
  private static TorchValue filled(
      TorchProgram program,
      List<WeightLayout.Entry> entries,
      TorchValue device,
      Function<WeightLayout.Entry, float[]> values) {
    HostBuffer host = new HostBuffer();
    List<TorchValue> placed = new ArrayList<>();
    try (TorchValue full = TorchValue.integer(0)) {
      for (WeightLayout.Entry entry : entries) {
        try (TorchValue view = host.floats(List.of(values.apply(entry)), entry.rows())) {
          placed.add(program.call("place", Mode.NO_GRADIENT, view, device, full));
        }
      }
      return TorchValue.list(placed);
    } finally {
      placed.forEach(TorchValue::close);
    }
  }

  ClipConfig config() {
    return config;
  }

  TorchProgram program() {
    return program;
  }

  TorchValue device() {
    return device;
  }

  /** How many of the weights after the first are the image tower's. */
  TorchValue imageWeights() {
    return imageWeights;
  }

  TorchValue weights() {
    return weights;
  }

  /** AdamW's running means of the gradients. */
  TorchValue means() {
    return means;
  }

  /** AdamW's running means of the squared gradients. */
  TorchValue squares() {
    return squares;
  }

  /** Counts a step of AdamW; the first is 1. */
  int nextStep() {
    return ++steps;
  }

  /** Forgets the gradients seen so far: AdamW starts anew. */
  void forgetGradients() {
    steps = 0;
    program.call("clear", Mode.NO_GRADIENT, means).close();
    program.call("clear", Mode.NO_GRADIENT, squares).close();
  }

  /** Numbers that training moves, without the logit scale. */
  long parameterCount() {
    return entries.stream().skip(1).mapToLong(WeightLayout.Entry::elementCount).sum();
  }

  /**
   * Images in host memory, until the next call.
   *
   * @param pixels (B, 3, S, S), in one array or in several
   */
  TorchValue images(List<float[]> pixels, int batch) {
    int side = config.imageSize();
    long expected = 3L * side * side * batch;
    long count = pixels.stream().mapToLong(part -> part.length).sum();
    if (count != expected) {
      throw new IllegalArgumentException("pixels: %d (expected: %d)".formatted(count, expected));
    }
    return pixelsBuffer.floats(pixels, batch, 3, side, side);
  }

  /** L2-normalised features with the present weights, without gradients: (B, E). */
  float[] imageFeatures(List<float[]> pixels, int batch) {
    try (TorchValue images = images(pixels, batch);
        TorchValue part = part("image_part");
        TorchValue features =
            program.call("image_features", Mode.INFERENCE, part, images, device)) {
      return features.toFloats();
    }
  }

  /** L2-normalised features with the present weights, without gradients: (K, E). */
  float[] textFeatures(List<int[]> tokens) {
    Texts texts = Texts.of(tokens, config);
    try (TorchValue ids = textBuffers.ids(texts);
        TorchValue ends = textBuffers.ends(texts);
        TorchValue part = part("text_part");
        TorchValue features =
            program.call("text_features", Mode.INFERENCE, part, ids, ends, device)) {
      return features.toFloats();
    }
  }

  private TorchValue part(String method) {
    return program.call(method, Mode.NO_GRADIENT, weights, imageWeights);
  }

  /** Copies of all weights, float32, under their Hugging Face names. */
  List<TensorData> named() {
    List<float[]> values;
    try (TorchValue copies = program.call("to_host", Mode.NO_GRADIENT, weights)) {
      values = copies.toFloatLists();
    }
    List<TensorData> named = new ArrayList<>();
    for (int i = 0; i < entries.size(); i++) {
      WeightLayout.Entry entry = entries.get(i);
      int count = values.get(i).length / entry.names().size();
      for (int j = 0; j < entry.names().size(); j++) {
        float[] part = Arrays.copyOfRange(values.get(i), j * count, (j + 1) * count);
        named.add(TensorData.ofFloats(entry.names().get(j), entry.shape(), part));
      }
    }
    return named;
  }

  @Override
  public void close() {
    weights.close();
    means.close();
    squares.close();
    imageWeights.close();
    device.close();
    program.close();
  }
}
