package dev.perennial.server.clip;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import dev.perennial.server.clip.ClipConfig.Activation;
import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.safetensors.TensorData;
import dev.perennial.server.task.Prefixes;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The towers' slow, obvious twin: NDArray operators, float32, one image or text at a time, one head
 * at a time, nothing cut and nothing saved. What the fast program computes must agree.
 */
final class TwinTowers {
  private final ClipConfig config;
  private final Map<String, TensorData> weights;

  TwinTowers(ClipConfig config, Map<String, TensorData> weights) {
    this.config = config;
    this.weights = weights;
  }

  /** Image features (E); the task may be missing. */
  float[] imageFeatures(float[] pixels, @Nullable Prefixes task, float w) {
    try (NDManager m = NDManager.newBaseManager("PyTorch")) {
      Tower tower = config.image();
      String name = "vision_model.";
      NDArray patches = m.create(patches(pixels), new Shape(config.imageTokens() - 1, patchSize()));
      NDArray kernel =
          weight(m, name + "embeddings.patch_embedding.weight")
              .reshape(new Shape(tower.width(), patchSize()));
      NDArray start =
          weight(m, name + "embeddings.class_embedding").reshape(new Shape(1, tower.width()));
      NDArray x = NDArrays.concat(new NDList(start, linear(patches, kernel)), 0);
      x = x.add(weight(m, name + "embeddings.position_embedding.weight")); // (N, W)
      x = layerNorm(x, m, name + "pre_layrnorm", tower);
      x =
          layers(
              x,
              m,
              name,
              tower,
              false,
              task == null ? List.of() : task.imageKeys(),
              task == null ? List.of() : task.imageValues(),
              w);
      x = layerNorm(x, m, name + "post_layernorm", tower);
      return projected(x.get("0:1"), weight(m, "visual_projection.weight"));
    }
  }

  /** Text features (E) at the given end. */
  float[] textFeatures(int[] tokens, int end, @Nullable Prefixes task, float w) {
    try (NDManager m = NDManager.newBaseManager("PyTorch")) {
      Tower tower = config.text();
      String name = "text_model.";
      NDArray embeddings = weight(m, name + "embeddings.token_embedding.weight");
      NDList rows = new NDList();
      for (int token : tokens) {
        rows.add(embeddings.get(token));
      }
      NDArray x = NDArrays.stack(rows); // (N, W)
      x = x.add(weight(m, name + "embeddings.position_embedding.weight").get("0:" + tokens.length));
      x =
          layers(
              x,
              m,
              name,
              tower,
              true,
              task == null ? List.of() : task.textKeys(),
              task == null ? List.of() : task.textValues(),
              w);
      x = layerNorm(x, m, name + "final_layer_norm", tower);
      return projected(x.get(end + ":" + (end + 1)), weight(m, "text_projection.weight"));
    }
  }

  private int patchSize() {
    return 3 * config.patchSize() * config.patchSize();
  }

  /** Pixels of each patch, channel by channel, patches row by row. */
  private float[] patches(float[] pixels) {
    int side = config.imageSize();
    int patch = config.patchSize();
    int grid = side / patch;
    float[] patches = new float[grid * grid * patchSize()];
    int at = 0;
    for (int row = 0; row < grid; row++) {
      for (int column = 0; column < grid; column++) {
        for (int channel = 0; channel < 3; channel++) {
          for (int y = 0; y < patch; y++) {
            for (int x = 0; x < patch; x++) {
              int line = row * patch + y;
              patches[at++] = pixels[(channel * side + line) * side + column * patch + x];
            }
          }
        }
      }
    }
    return patches;
  }

  private NDArray layers(
      NDArray x,
      NDManager m,
      String name,
      Tower tower,
      boolean causal,
      List<float[]> keys,
      List<float[]> values,
      float w) {
    NDArray hidden = x;
    for (int i = 0; i < tower.layers(); i++) {
      String layer = name + "encoder.layers." + i + ".";
      float[] key = i < keys.size() ? keys.get(i) : null;
      float[] value = i < values.size() ? values.get(i) : null;
      NDArray h = layerNorm(hidden, m, layer + "layer_norm1", tower);
      hidden = hidden.add(attention(h, m, layer + "self_attn.", tower, causal, key, value, w));
      h = linear(layerNorm(hidden, m, layer + "layer_norm2", tower), m, layer + "mlp.fc1");
      hidden = hidden.add(linear(activation(h, tower.activation()), m, layer + "mlp.fc2"));
    }
    return hidden;
  }

  /** O = softmax(QK^T / sqrt(D)) V + w softmax(Q key^T / sqrt(D)) value, then the projection. */
  private static NDArray headOf(NDArray q, NDArray k, NDArray v, boolean causal, NDManager m) {
    NDArray logits = q.matMul(k.transpose()).div(Math.sqrt((double) q.getShape().get(1))); // (N, N)
    if (causal) {
      int n = Math.toIntExact(q.getShape().get(0));
      float[] mask = new float[n * n];
      for (int i = 0; i < n; i++) {
        Arrays.fill(mask, i * n + i + 1, (i + 1) * n, Float.NEGATIVE_INFINITY);
      }
      logits = logits.add(m.create(mask, new Shape(n, n)));
    }
    return logits.softmax(-1).matMul(v); // (N, D)
  }

  private NDArray attention(
      NDArray x,
      NDManager m,
      String name,
      Tower tower,
      boolean causal,
      float @Nullable [] key,
      float @Nullable [] value,
      float w) {
    NDArray q = linear(x, m, name + "q_proj"); // (N, W)
    NDArray k = linear(x, m, name + "k_proj");
    NDArray v = linear(x, m, name + "v_proj");
    int size = tower.width() / tower.heads();
    NDList heads = new NDList();
    for (int h = 0; h < tower.heads(); h++) {
      String part = ":, " + h * size + ":" + (h + 1) * size;
      NDArray o = headOf(q.get(part), k.get(part), v.get(part), causal, m);
      if (key != null && value != null) {
        Shape shape = new Shape(key.length / tower.width(), tower.width());
        NDArray learnedKey = m.create(key, shape).get(part); // (P, D)
        NDArray learnedValue = m.create(value, shape).get(part);
        o = o.add(headOf(q.get(part), learnedKey, learnedValue, false, m).mul(w));
      }
      heads.add(o);
    }
    return linear(NDArrays.concat(heads, 1), m, name + "out_proj");
  }

  private static NDArray activation(NDArray x, Activation activation) {
    return switch (activation) {
      case QUICK_GELU -> x.div(x.mul(-1.702f).exp().add(1)); // x sigmoid(1.702 x)
      case GELU -> x.div((float) Math.sqrt(2)).erf().add(1).mul(x).mul(0.5f);
    };
  }

  private NDArray layerNorm(NDArray x, NDManager m, String name, Tower tower) {
    NDArray centred = x.sub(x.mean(new int[] {-1}, true));
    NDArray variance = centred.square().mean(new int[] {-1}, true);
    return centred
        .div(variance.add((float) tower.layerNormEpsilon()).sqrt())
        .mul(weight(m, name + ".weight"))
        .add(weight(m, name + ".bias"));
  }

  private NDArray linear(NDArray x, NDManager m, String name) {
    return linear(x, weight(m, name + ".weight")).add(weight(m, name + ".bias"));
  }

  private static NDArray linear(NDArray x, NDArray matrix) {
    return x.matMul(matrix.transpose());
  }

  private static float[] projected(NDArray row, NDArray projection) {
    NDArray features = linear(row, projection);
    return features.div(features.square().sum().sqrt()).toFloatArray();
  }

  private NDArray weight(NDManager m, String name) {
    TensorData weight = Golden.find(weights, name);
    long[] shape = weight.shape().stream().mapToLong(Long::longValue).toArray();
    return m.create(weight.toFloats(), new Shape(shape));
  }
}
