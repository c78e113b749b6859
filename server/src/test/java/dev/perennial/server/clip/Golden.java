package dev.perennial.server.clip;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.perennial.server.clip.ClipConfig.Activation;
import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import dev.perennial.server.task.Prefixes;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** A golden model: a small CLIP and what it must say. See golden/clip/README.md. */
final class Golden {
  static final List<String> NAMES =
      List.of("quick-gelu", "gelu-literal-end", "one-head", "one-layer");
  static final int TASKS = 3;

  final ClipConfig config;
  final Map<String, TensorData> weights;
  private final Map<String, TensorData> expected;

  Golden(String name) {
    config = config(new String(bytes(name + "/config.json"), StandardCharsets.UTF_8));
    weights = tensors(name + "/model.safetensors");
    expected = tensors(name + "/expected.safetensors");
  }

  private static Map<String, TensorData> tensors(String file) {
    return Safetensors.parse(ByteBuffer.wrap(bytes(file))).tensors();
  }

  private static byte[] bytes(String file) {
    try (InputStream in = Golden.class.getResourceAsStream("/golden/clip/" + file)) {
      if (in == null) {
        throw new AssertionError("missing: golden/clip/" + file);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ClipConfig config(String json) {
    JsonObject root = JsonParser.parseString(json).getAsJsonObject();
    JsonObject image = root.getAsJsonObject("vision_config");
    JsonObject text = root.getAsJsonObject("text_config");
    int end = text.get("eos_token_id").getAsInt();
    return new ClipConfig(
        tower(image),
        tower(text),
        image.get("image_size").getAsInt(),
        image.get("patch_size").getAsInt(),
        text.get("max_position_embeddings").getAsInt(),
        text.get("vocab_size").getAsInt(),
        root.get("projection_dim").getAsInt(),
        text.get("bos_token_id").getAsInt(),
        end == 2 ? text.get("vocab_size").getAsInt() - 1 : end,
        end == 2);
  }

  private static Tower tower(JsonObject json) {
    boolean quick = json.get("hidden_act").getAsString().equals("quick_gelu");
    return new Tower(
        json.get("hidden_size").getAsInt(),
        json.get("num_hidden_layers").getAsInt(),
        json.get("num_attention_heads").getAsInt(),
        json.get("intermediate_size").getAsInt(),
        quick ? Activation.QUICK_GELU : Activation.GELU,
        json.get("layer_norm_eps").getAsDouble());
  }

  ClipModel load(Precision precision) {
    return ClipModel.load(config, weights, "cpu", precision);
  }

  float[] floats(String name) {
    return tensor(name).toFloats();
  }

  int[] integers(String name) {
    return Arrays.stream(tensor(name).toLongs()).mapToInt(Math::toIntExact).toArray();
  }

  TensorData weight(String name) {
    return find(weights, name);
  }

  private TensorData tensor(String name) {
    return find(expected, name);
  }

  static TensorData find(Map<String, TensorData> tensors, String name) {
    TensorData tensor = tensors.get(name);
    if (tensor == null) {
      throw new AssertionError("missing: " + name);
    }
    return tensor;
  }

  List<float[]> pixels() {
    return rows("pixels");
  }

  /** Padded with the end of text, as in the file. */
  List<int[]> tokens() {
    int[] all = integers("tokens");
    int length = config.contextLength();
    List<int[]> rows = new ArrayList<>();
    for (int at = 0; at < all.length; at += length) {
      rows.add(Arrays.copyOfRange(all, at, at + length));
    }
    return rows;
  }

  Prefixes task(int task) {
    return prefixes("task." + task + ".", "");
  }

  Prefixes gradients(int task) {
    return prefixes("task." + task + ".", ".gradient");
  }

  List<Prefixes> tasks() {
    return List.of(task(0), task(1), task(2));
  }

  private Prefixes prefixes(String start, String end) {
    return new Prefixes(
        Math.toIntExact(tensor(start + "image.keys" + end).shape().get(1)),
        rows(tensor(start + "image.keys" + end)),
        rows(tensor(start + "image.values" + end)),
        rows(tensor(start + "text.keys" + end)),
        rows(tensor(start + "text.values" + end)));
  }

  /** A tensor's parts along its first dimension. */
  List<float[]> rows(String name) {
    return rows(tensor(name));
  }

  private static List<float[]> rows(TensorData tensor) {
    float[] all = tensor.toFloats();
    int count = Math.toIntExact(tensor.shape().get(0));
    List<float[]> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      rows.add(Arrays.copyOfRange(all, i * (all.length / count), (i + 1) * (all.length / count)));
    }
    return rows;
  }

  /** logit_scale * cos of every image with every text: (B, K). */
  static float[] logits(ClipModel model, float[] images, float[] texts) {
    int width = model.config().embedDim();
    int rows = images.length / width;
    int columns = texts.length / width;
    float[] logits = new float[rows * columns];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        float sum = 0;
        for (int e = 0; e < width; e++) {
          sum += images[i * width + e] * texts[j * width + e];
        }
        logits[i * columns + j] = model.logitScale() * sum;
      }
    }
    return logits;
  }

  static int[] slots(int count, int slot) {
    int[] slots = new int[count];
    Arrays.fill(slots, slot);
    return slots;
  }

  static float[] gates(int count, float gateWeight) {
    float[] gates = new float[count];
    Arrays.fill(gates, gateWeight);
    return gates;
  }

  static void assertClose(float[] expected, float[] actual, double tolerance, String what) {
    assertEquals(expected.length, actual.length, what);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i], actual[i], tolerance, what + " [" + i + "]");
    }
  }
}
