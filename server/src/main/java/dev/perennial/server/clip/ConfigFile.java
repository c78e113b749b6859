package dev.perennial.server.clip;

import com.google.gson.JsonElement;
import dev.perennial.server.clip.ClipConfig.Activation;
import dev.perennial.server.clip.ClipConfig.Tower;
import org.jspecify.annotations.Nullable;

/**
 * A model's shape from {@code config.json}, with the defaults of transformers' CLIPConfig for what
 * is absent. (The older {@code open_clip_config.json} is {@link OpenClipConfigFile}'s.)
 */
final class ConfigFile {
  static final String NAME = "config.json";

  /** Bounds far beyond any published CLIP, so that no product of sizes overflows. */
  static final int MAX_WIDTH = 1 << 14;

  static final int MAX_LAYERS = 256;
  static final int MAX_CONTEXT = 1 << 14;
  static final int MAX_VOCABULARY = 1 << 22;
  static final int MAX_IMAGE_SIZE = 4096;

  /** transformers: "the end is the highest id in the row", whatever the vocabulary says. */
  private static final int LEGACY_END_ID = 2;

  private static final int CLIP_END_ID = 49_407;

  private ConfigFile() {}

  static ClipConfig read(JsonSection file, TokenizerFiles.Vocabulary vocabulary) {
    String type = file.text("model_type", "clip");
    if (!type.equals("clip")) {
      throw file.wrong("model_type", "clip, a CLIPModel with two transformer towers");
    }
    JsonSection text = tower(file, "text");
    JsonSection vision = tower(file, "vision");
    if (vision.integer("num_channels", 3, 1, 1 << 10) != 3) {
      throw vision.wrong("num_channels", "3");
    }
    int vocabularySize = text.integer("vocab_size", 49_408, 3, MAX_VOCABULARY);
    vocabulary.checkFits(vocabularySize);
    int end = endId(text);
    boolean highest = end == LEGACY_END_ID;
    vocabulary.checkEnd(highest ? vocabulary.highestId() : end);
    int imageSize = vision.side("image_size", 224, 1, MAX_IMAGE_SIZE);
    return new ClipConfig(
        tower(vision, 768, 12, 12, 3072),
        tower(text, 512, 12, 8, 2048),
        imageSize,
        vision.side("patch_size", 32, 1, imageSize),
        text.integer("max_position_embeddings", 77, 3, MAX_CONTEXT),
        vocabularySize,
        file.integer("projection_dim", 512, 1, MAX_WIDTH),
        vocabulary.startId(),
        vocabulary.endId(),
        highest);
  }

  /** As in CLIPConfig: an old {@code text_config_dict} wins over {@code text_config}. */
  private static JsonSection tower(JsonSection file, String name) {
    JsonSection legacy = file.section(name + "_config_dict");
    if (legacy != null) {
      return legacy;
    }
    JsonSection section = file.section(name + "_config");
    return section != null ? section : JsonSection.parse(NAME + ": " + name + "_config", "{}");
  }

  private static Tower tower(JsonSection section, int width, int layers, int heads, int mlpWidth) {
    int actualWidth = section.integer("hidden_size", width, 1, MAX_WIDTH);
    int actualHeads = section.integer("num_attention_heads", heads, 1, actualWidth);
    if (actualWidth % actualHeads != 0) {
      throw section.wrong("num_attention_heads", "a divisor of the width, " + actualWidth);
    }
    return new Tower(
        actualWidth,
        section.integer("num_hidden_layers", layers, 1, MAX_LAYERS),
        actualHeads,
        section.integer("intermediate_size", mlpWidth, 1, 4 * MAX_WIDTH),
        activation(section),
        epsilon(section));
  }

  private static Activation activation(JsonSection section) {
    return switch (section.text("hidden_act", "quick_gelu")) {
      case "quick_gelu" -> Activation.QUICK_GELU;
      case "gelu" -> Activation.GELU;
      default -> throw section.wrong("hidden_act", "quick_gelu or gelu");
    };
  }

  private static double epsilon(JsonSection section) {
    double epsilon = section.decimal("layer_norm_eps", 1e-5);
    if (!(epsilon > 0 && epsilon < 1)) {
      throw section.wrong("layer_norm_eps", "above 0 and below 1");
    }
    return epsilon;
  }

  /** A number, or a list of one. */
  private static int endId(JsonSection text) {
    @Nullable JsonElement element = text.find("eos_token_id");
    if (element != null && element.isJsonArray() && element.getAsJsonArray().size() == 1) {
      element = element.getAsJsonArray().get(0);
      if (element.isJsonPrimitive() && element.getAsJsonPrimitive().isNumber()) {
        return element.getAsInt();
      }
    }
    return text.integer("eos_token_id", CLIP_END_ID, 0, MAX_VOCABULARY);
  }
}
