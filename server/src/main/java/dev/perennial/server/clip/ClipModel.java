package dev.perennial.server.clip;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.TorchProgram;
import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.safetensors.TensorData;
import dev.perennial.server.task.Prefixes;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Both towers on one device. Not thread-safe: the thread that loads it owns it and every tensor
 * behind it; what goes in and out are arrays. The same call with the same arguments gives the same
 * bits.
 */
public final class ClipModel implements AutoCloseable {
  private static final Pattern DEVICE = Pattern.compile("cpu|cuda:\\d{1,3}");

  private final ClipConfig config;
  private final Precision precision;
  private final float logitScale;
  private final TorchProgram program;
  private final TorchValue device;
  private final TorchValue imageWeights;
  private final TorchValue textWeights;
  private final PrefixBankBuilder banks;

  private final HostBuffer inputs = new HostBuffer();
  private final HostBuffer ends = new HostBuffer();
  private final HostBuffer slotsBuffer = new HostBuffer();
  private final HostBuffer gatesBuffer = new HostBuffer();

  private ClipModel(
      ClipConfig config,
      Precision precision,
      float logitScale,
      TorchProgram program,
      String device,
      TorchValue imageWeights,
      TorchValue textWeights) {
    this.config = config;
    this.precision = precision;
    this.logitScale = logitScale;
    this.program = program;
    this.device = TorchValue.text(device);
    this.imageWeights = imageWeights;
    this.textWeights = textWeights;
    this.banks = new PrefixBankBuilder(program, config, device, precision);
  }

  /**
   * Loads the weights onto a device.
   *
   * @param device {@code cpu} or {@code cuda:N}
   */
  public static ClipModel load(ModelDirectory directory, String device, Precision precision) {
    return load(directory.config(), directory.weights(), device, precision);
  }

  /**
   * The same from weights in memory.
   *
   * @param weights under their Hugging Face names
   */
  static ClipModel load(
      ClipConfig config, Map<String, TensorData> weights, String device, Precision precision) {
    checkDevice(device);
    float logitScale =
        Weights.floats(Weights.find(weights, WeightLayout.LOGIT_SCALE, List.of()))[0];
    TorchProgram program = TowersArchive.load(config);
    TorchValue image = null;
    try {
      Weights.checkUsable(program, device);
      image = Weights.place(program, WeightLayout.image(config), weights, device, precision);
      TorchValue text =
          Weights.place(program, WeightLayout.text(config), weights, device, precision);
      float scale = (float) Math.exp(logitScale);
      return new ClipModel(config, precision, scale, program, device, image, text);
    } catch (RuntimeException e) {
      if (image != null) {
        image.close();
      }
      program.close();
      throw e;
    }
  }

  static void checkDevice(String device) {
    if (!DEVICE.matcher(device).matches()) {
      throw ServingException.invalid(
          "UNKNOWN_DEVICE", "device", "device: " + device + " (expected: cpu or cuda:N)");
    }
  }

  /** What computes, with its version; loads it where it is not loaded yet. */
  public static String engineVersion() {
    return Engine.getEngine("PyTorch").getVersion();
  }

  public ClipConfig config() {
    return config;
  }

  public Precision precision() {
    return precision;
  }

  /** exp(logit_scale). */
  public float logitScale() {
    return logitScale;
  }

  /**
   * Uploads prefixes; slot i of the bank is tasks.get(i). Cheap where a task object was in the bank
   * that was built before and is still open.
   */
  public PrefixBank bank(List<Prefixes> tasks) {
    return banks.build(tasks);
  }

  /**
   * L2-normalised image features, each row with its own task and weight.
   *
   * @param pixels per row (3, S, S)
   * @param slots per row the bank's slot; any value where the gate weight is 0
   * @param gateWeights per row w in [0, 1]; exactly 0 gives exactly the frozen features
   * @return (B, E) row by row
   */
  public float[] imageFeatures(
      List<float[]> pixels, PrefixBank bank, int[] slots, float[] gateWeights) {
    if (pixels.isEmpty()) {
      return new float[0];
    }
    try (TorchValue images = images(pixels)) {
      PrefixBank.Part part = part(pixels.size(), bank, bank.image(), slots, gateWeights);
      if (part == null) {
        return floats("image_features", imageWeights, images, device);
      }
      try (TorchValue rows = rowSlots(slots, gateWeights);
          TorchValue gates = gates(gateWeights)) {
        return floats(
            "image_features_with_tasks",
            imageWeights,
            images,
            part.prefixes(),
            part.mask(),
            rows,
            gates,
            device);
      }
    }
  }

  /** L2-normalised text features, each text with its own task and weight: (K, E) row by row. */
  public float[] textFeatures(
      List<int[]> tokens, PrefixBank bank, int[] slots, float[] gateWeights) {
    if (tokens.isEmpty()) {
      return new float[0];
    }
    Texts texts = Texts.of(tokens, config);
    try (TorchValue ids = inputs.longs(texts.tokens(), texts.count(), texts.length());
        TorchValue places = ends.longs(texts.ends())) {
      PrefixBank.Part part = part(tokens.size(), bank, bank.text(), slots, gateWeights);
      if (part == null) {
        return floats("text_features", textWeights, ids, places, device);
      }
      try (TorchValue rows = rowSlots(slots, gateWeights);
          TorchValue gates = gates(gateWeights)) {
        return floats(
            "text_features_with_tasks",
            textWeights,
            ids,
            places,
            part.prefixes(),
            part.mask(),
            rows,
            gates,
            device);
      }
    }
  }

  private float[] floats(String method, TorchValue... arguments) {
    try (TorchValue features = program.call(method, Mode.INFERENCE, arguments)) {
      return features.toFloats();
    }
  }

  /** (B, 3, S, S) in host memory, until the next call. */
  TorchValue images(List<float[]> pixels) {
    int side = config.imageSize();
    int count = 3 * side * side;
    for (float[] image : pixels) {
      if (image.length != count) {
        throw ServingException.invalid(
            "PIXEL_COUNT", "pixels", "pixels: " + image.length + " (expected: " + count + ")");
      }
    }
    return inputs.floats(pixels, pixels.size(), 3, side, side);
  }

  /** The part of the bank that the rows need; null where no row has a weight above 0. */
  private static PrefixBank.@Nullable Part part(
      int rows, PrefixBank bank, PrefixBank.@Nullable Part part, int[] slots, float[] gateWeights) {
    if (slots.length != rows || gateWeights.length != rows) {
      throw new IllegalArgumentException(
          "slots and gate weights: %d and %d (expected: %d)"
              .formatted(slots.length, gateWeights.length, rows));
    }
    boolean needed = false;
    for (int i = 0; i < rows; i++) {
      if (!(gateWeights[i] >= 0 && gateWeights[i] <= 1)) {
        throw new IllegalArgumentException("gate weight: " + gateWeights[i] + " (expected: 0..1)");
      }
      if (gateWeights[i] > 0) {
        needed = true;
        if (slots[i] < 0 || slots[i] >= bank.size()) {
          throw new IllegalArgumentException(
              "slot: %d (expected: 0..%d)".formatted(slots[i], bank.size() - 1));
        }
      }
    }
    return needed ? part : null;
  }

  private TorchValue rowSlots(int[] slots, float[] gateWeights) {
    int[] safe = slots.clone();
    for (int i = 0; i < safe.length; i++) {
      if (gateWeights[i] == 0) {
        safe[i] = 0;
      }
    }
    return slotsBuffer.longs(safe);
  }

  private TorchValue gates(float[] gateWeights) {
    return gatesBuffer.floats(List.of(gateWeights), gateWeights.length);
  }

  TorchProgram program() {
    return program;
  }

  TorchValue device() {
    return device;
  }

  TorchValue imageWeights() {
    return imageWeights;
  }

  TorchValue textWeights() {
    return textWeights;
  }

  @Override
  public void close() {
    imageWeights.close();
    textWeights.close();
    device.close();
    program.close();
  }
}
