package dev.perennial.server;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.perennial.server.safetensors.DataType;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Writes a CLIP of random weights as a model directory: 16 x 16 pixels, two layers a tower, one
 * token a character. It knows nothing, fast, and the same on every run.
 */
public final class TinyModel {
  /** S, pixels of the model's input. */
  public static final int IMAGE_SIZE = 16;

  private static final int PATCH = 8;
  private static final int WIDTH = 32;
  private static final int MLP = 64;
  private static final int LAYERS = 2;
  private static final int HEADS = 2;
  private static final int EMBED = 16;
  private static final int CONTEXT = 48;
  private static final int VOCABULARY = 514;

  private final Random random;
  private final List<TensorData> weights = new ArrayList<>();

  private TinyModel(long seed) {
    random = new Random(seed);
  }

  /** Writes the directory and returns it. */
  public static Path write(Path directory) {
    return write(directory, 7);
  }

  /** The same with other weights. */
  public static Path write(Path directory, long seed) {
    try {
      Files.createDirectories(directory);
      Files.writeString(directory.resolve("config.json"), config());
      Files.writeString(directory.resolve("preprocessor_config.json"), preprocessing());
      Files.writeString(directory.resolve("vocab.json"), vocabulary());
      Files.writeString(directory.resolve("merges.txt"), "#version: 0.2\n");
      Files.write(
          directory.resolve("model.safetensors"),
          Safetensors.write(Map.of("format", "pt"), new TinyModel(seed).weights()));
      return directory;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String config() {
    String tower =
        """
        "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
        "num_attention_heads": %d, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5,
        "projection_dim": %d\
        """
            .formatted(WIDTH, MLP, LAYERS, HEADS, EMBED);
    return """
    {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": %d,
     "logit_scale_init_value": 2.6592,
     "text_config": {"model_type": "clip_text_model", %s, "vocab_size": %d,
       "max_position_embeddings": %d, "bos_token_id": 512, "eos_token_id": 513,
       "pad_token_id": 513},
     "vision_config": {"model_type": "clip_vision_model", %s, "image_size": %d,
       "patch_size": %d, "num_channels": 3}}
    """
        .formatted(EMBED, tower, VOCABULARY, CONTEXT, tower, IMAGE_SIZE, PATCH);
  }

  private static String preprocessing() {
    return """
    {"image_processor_type": "CLIPImageProcessor", "do_convert_rgb": true, "do_resize": true,
     "size": {"shortest_edge": %1$d}, "resample": 3, "do_center_crop": true,
     "crop_size": {"height": %1$d, "width": %1$d}, "do_rescale": true,
     "rescale_factor": 0.00392156862745098, "do_normalize": true,
     "image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    """
        .formatted(IMAGE_SIZE);
  }

  /** CLIP's byte alphabet, each alone and each at a word's end, and the two marks; no merges. */
  private static String vocabulary() {
    List<String> alphabet = new ArrayList<>();
    int shifted = 0;
    Map<Integer, String> letters = new LinkedHashMap<>();
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      letters.put(b, Character.toString(printable ? b : 256 + shifted++));
    }
    alphabet.addAll(letters.values());
    JsonObject ids = new JsonObject();
    int id = 0;
    for (String letter : alphabet) {
      ids.addProperty(letter, id++);
    }
    for (String letter : alphabet) {
      ids.addProperty(letter + "</w>", id++);
    }
    ids.addProperty("<|startoftext|>", id++);
    ids.addProperty("<|endoftext|>", id);
    return new Gson().toJson(ids);
  }

  private List<TensorData> weights() {
    add("logit_scale", 0, 3.0);
    String vision = "vision_model.";
    add(vision + "embeddings.class_embedding", 1, 0, WIDTH);
    add(vision + "embeddings.patch_embedding.weight", 0.1, 0, WIDTH, 3, PATCH, PATCH);
    int tokens = (IMAGE_SIZE / PATCH) * (IMAGE_SIZE / PATCH) + 1;
    add(vision + "embeddings.position_embedding.weight", 0.1, 0, tokens, WIDTH);
    norm(vision + "pre_layrnorm");
    layers(vision);
    norm(vision + "post_layernorm");
    add("visual_projection.weight", 0.3, 0, EMBED, WIDTH);
    String text = "text_model.";
    add(text + "embeddings.token_embedding.weight", 0.5, 0, VOCABULARY, WIDTH);
    add(text + "embeddings.position_embedding.weight", 0.2, 0, CONTEXT, WIDTH);
    layers(text);
    norm(text + "final_layer_norm");
    add("text_projection.weight", 0.3, 0, EMBED, WIDTH);
    return weights;
  }

  private void layers(String tower) {
    for (int i = 0; i < LAYERS; i++) {
      String layer = tower + "encoder.layers." + i + ".";
      norm(layer + "layer_norm1");
      norm(layer + "layer_norm2");
      for (String projection : List.of("q_proj", "k_proj", "v_proj", "out_proj")) {
        linear(layer + "self_attn." + projection, WIDTH, WIDTH);
      }
      linear(layer + "mlp.fc1", MLP, WIDTH);
      linear(layer + "mlp.fc2", WIDTH, MLP);
    }
  }

  private void norm(String name) {
    add(name + ".weight", 0.1, 1, WIDTH);
    add(name + ".bias", 0.1, 0, WIDTH);
  }

  private void linear(String name, long rows, long columns) {
    add(name + ".weight", 0.25, 0, rows, columns);
    add(name + ".bias", 0.05, 0, rows);
  }

  private void add(String name, double deviation, double mean, long... shape) {
    List<Long> dimensions = new ArrayList<>();
    int count = 1;
    for (long length : shape) {
      dimensions.add(length);
      count *= (int) length;
    }
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      bytes.putFloat((float) (mean + deviation * random.nextGaussian()));
    }
    ByteBuffer read = bytes.flip().asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    weights.add(new TensorData(name, DataType.F32, List.copyOf(dimensions), read));
  }
}
