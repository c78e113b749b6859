package dev.perennial.server.clip;

import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.zip.GZIPInputStream;

/**
 * A model directory of CLIP ViT-B/16's shape: random weights in half precision (300 MB), and CLIP's
 * own vocabulary.
 */
public final class RandomModelFiles {
  private RandomModelFiles() {}

  /** Writes the directory, the same on every run; needs 1.5 GB of heap. */
  public static Path writeVitB16(Path directory) throws IOException {
    ClipConfig config = RandomClip.vitB16();
    Files.createDirectories(directory);
    Files.writeString(directory.resolve("config.json"), config(config));
    for (String file : List.of("vocab.json", "merges.txt")) {
      try (InputStream in = new GZIPInputStream(tokenizer(file + ".gz"))) {
        Files.write(directory.resolve(file), in.readAllBytes());
      }
    }
    List<TensorData> halves =
        RandomClip.weights(config, 1).values().stream()
            .map(weight -> TensorData.ofHalves(weight.name(), weight.shape(), weight.toFloats()))
            .toList();
    Files.write(
        directory.resolve("model.safetensors"), Safetensors.write(Map.of("format", "pt"), halves));
    return directory;
  }

  private static InputStream tokenizer(String file) {
    return Objects.requireNonNull(
        RandomModelFiles.class.getResourceAsStream("/golden/tokenizer/" + file), file);
  }

  private static String config(ClipConfig config) {
    return """
    {"architectures": ["CLIPModel"], "model_type": "clip", "projection_dim": %d,
     "text_config": {"model_type": "clip_text_model", %s, "vocab_size": %d,
       "max_position_embeddings": %d, "bos_token_id": %d, "eos_token_id": %d},
     "vision_config": {"model_type": "clip_vision_model", %s, "image_size": %d,
       "patch_size": %d, "num_channels": 3}}
    """
        .formatted(
            config.embedDim(),
            tower(config.text()),
            config.vocabularySize(),
            config.contextLength(),
            config.startOfTextId(),
            config.endOfTextId(),
            tower(config.image()),
            config.imageSize(),
            config.patchSize());
  }

  private static String tower(Tower tower) {
    return String.format(
        Locale.ROOT,
        """
        "hidden_size": %d, "intermediate_size": %d, "num_hidden_layers": %d,
        "num_attention_heads": %d, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5\
        """,
        tower.width(),
        tower.mlpWidth(),
        tower.layers(),
        tower.heads());
  }
}
