package dev.perennial.server.clip;

import dev.perennial.server.safetensors.DataType;
import dev.perennial.server.safetensors.TensorData;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * From the weight names of OpenAI's and open_clip's checkpoints to Hugging Face's, which {@link
 * WeightLayout} lists. The one place that knows the former.
 *
 * <p>They differ in names, in the joined in-projection of queries, keys and values, and in the two
 * final projections, which are stored transposed.
 */
final class WeightNames {
  /** Constants that old checkpoints carry beside the weights. */
  private static final Pattern NOT_WEIGHTS =
      Pattern.compile(
          "(.*\\.)?(position_ids|attn_mask)|input_resolution|context_length|vocab_size");

  private static final Pattern LAYER =
      Pattern.compile("(visual\\.)?transformer\\.resblocks\\.(\\d+)\\.(.+)");
  private static final Pattern IN_PROJECTION = Pattern.compile("attn\\.in_proj_(weight|bias)");

  private static final Map<String, String> OUTSIDE_LAYERS =
      Map.ofEntries(
          Map.entry("visual.class_embedding", "vision_model.embeddings.class_embedding"),
          Map.entry("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"),
          Map.entry(
              "visual.positional_embedding", "vision_model.embeddings.position_embedding.weight"),
          Map.entry("visual.ln_pre.weight", "vision_model.pre_layrnorm.weight"),
          Map.entry("visual.ln_pre.bias", "vision_model.pre_layrnorm.bias"),
          Map.entry("visual.ln_post.weight", "vision_model.post_layernorm.weight"),
          Map.entry("visual.ln_post.bias", "vision_model.post_layernorm.bias"),
          Map.entry("token_embedding.weight", "text_model.embeddings.token_embedding.weight"),
          Map.entry("positional_embedding", "text_model.embeddings.position_embedding.weight"),
          Map.entry("ln_final.weight", "text_model.final_layer_norm.weight"),
          Map.entry("ln_final.bias", "text_model.final_layer_norm.bias"),
          Map.entry("text_projection.weight", "text_projection.weight"), // open_clip: a Linear
          Map.entry("logit_scale", WeightLayout.LOGIT_SCALE));

  private static final Map<String, String> TRANSPOSED =
      Map.of(
          "visual.proj", "visual_projection.weight", "text_projection", "text_projection.weight");

  private static final Map<String, String> INSIDE_LAYERS =
      Map.of(
          "ln_1", "layer_norm1",
          "ln_2", "layer_norm2",
          "attn.out_proj", "self_attn.out_proj",
          "mlp.c_fc", "mlp.fc1",
          "mlp.c_proj", "mlp.fc2");

  private WeightNames() {}

  /**
   * The weights under their Hugging Face names. Names that are known to neither scheme are kept,
   * for the caller to refuse.
   */
  static SortedMap<String, TensorData> published(Map<String, TensorData> stored) {
    SortedMap<String, TensorData> weights = new TreeMap<>();
    boolean openAi = stored.containsKey("visual.conv1.weight");
    stored.forEach(
        (name, tensor) -> {
          if (NOT_WEIGHTS.matcher(name).matches()) {
            return;
          }
          if (openAi) {
            putOpenAi(weights, name, tensor);
          } else {
            weights.put(name, tensor);
          }
        });
    refuseResNet(stored);
    TensorData scale = weights.get(WeightLayout.LOGIT_SCALE);
    if (scale != null && scale.shape().equals(List.of(1L))) {
      weights.put(
          WeightLayout.LOGIT_SCALE,
          new TensorData(WeightLayout.LOGIT_SCALE, scale.type(), List.of(), scale.bytes()));
    }
    return weights;
  }

  /** Residual attention needs attention layers. */
  private static void refuseResNet(Map<String, TensorData> stored) {
    for (String name : List.of("visual.layer1.0.conv1.weight", "visual.attnpool.q_proj.weight")) {
      if (stored.containsKey(name)) {
        throw ModelFiles.unusable(
            "UNSUPPORTED_TOWER",
            "image tower: tensor " + name + " of a ResNet (expected: a vision transformer)");
      }
    }
  }

  private static void putOpenAi(
      Map<String, TensorData> weights, String storedName, TensorData tensor) {
    // open_clip's CustomTextCLIP keeps the text tower under "text.".
    String name = storedName.startsWith("text.") ? storedName.substring(5) : storedName;
    Matcher layer = LAYER.matcher(name);
    if (layer.matches()) {
      String tower = layer.group(1) == null ? "text_model" : "vision_model";
      putLayer(
          weights,
          tower + ".encoder.layers." + layer.group(2) + ".",
          layer.group(3),
          tensor,
          storedName);
    } else if (TRANSPOSED.containsKey(name)) {
      put(weights, transposed(tensor, TRANSPOSED.getOrDefault(name, name)));
    } else {
      put(weights, renamed(tensor, OUTSIDE_LAYERS.getOrDefault(name, storedName)));
    }
  }

  private static void putLayer(
      Map<String, TensorData> weights,
      String prefix,
      String name,
      TensorData tensor,
      String storedName) {
    Matcher joined = IN_PROJECTION.matcher(name);
    if (joined.matches()) {
      putThirds(weights, prefix + "self_attn.", "_proj." + joined.group(1), tensor);
      return;
    }
    int dot = name.lastIndexOf('.');
    String module = INSIDE_LAYERS.get(dot < 0 ? name : name.substring(0, dot));
    put(
        weights,
        renamed(tensor, module == null ? storedName : prefix + module + name.substring(dot)));
  }

  /** Rows of queries, keys and values, one third each; views, not copies. */
  private static void putThirds(
      Map<String, TensorData> weights, String prefix, String suffix, TensorData joined) {
    List<Long> shape = joined.shape();
    if (shape.isEmpty() || shape.get(0) % 3 != 0) {
      throw ModelFiles.unusable(
          "WEIGHT_SHAPE",
          joined.name()
              + ": shape "
              + shape
              + " (expected: a multiple of 3 rows: queries, keys, values)");
    }
    long rows = shape.get(0) / 3;
    List<Long> third =
        shape.size() == 1 ? List.of(rows) : List.of(rows, joined.elementCount() / shape.get(0));
    int bytes = joined.bytes().limit() / 3;
    String[] parts = {"q", "k", "v"};
    for (int i = 0; i < parts.length; i++) {
      put(
          weights,
          new TensorData(
              prefix + parts[i] + suffix,
              joined.type(),
              third,
              joined.bytes().slice(i * bytes, bytes)));
    }
  }

  private static TensorData renamed(TensorData tensor, String name) {
    return new TensorData(name, tensor.type(), tensor.shape(), tensor.bytes());
  }

  private static TensorData transposed(TensorData tensor, String name) {
    if (tensor.shape().size() != 2) {
      throw ModelFiles.unusable(
          "WEIGHT_SHAPE",
          tensor.name() + ": shape " + tensor.shape() + " (expected: two dimensions)");
    }
    int rows = Math.toIntExact(tensor.shape().get(0));
    int columns = Math.toIntExact(tensor.shape().get(1));
    DataType type = tensor.type();
    int size = type.bytes();
    ByteBuffer in = tensor.bytes();
    ByteBuffer out = ByteBuffer.allocate(in.limit()).order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        out.put((column * rows + row) * size, in, (row * columns + column) * size, size);
      }
    }
    return new TensorData(name, type, List.of((long) columns, (long) rows), out);
  }

  private static void put(Map<String, TensorData> weights, TensorData tensor) {
    if (weights.put(tensor.name(), tensor) != null) {
      throw ModelFiles.unusable(
          "WEIGHT_TWICE", tensor.name() + ": under two names (expected: under one)");
    }
  }
}
