package dev.perennial.server.clip;

import dev.perennial.server.clip.ClipConfig.Activation;
import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.image.Preprocessing;
import java.util.Set;

/**
 * A model's shape and preprocessing from open_clip's {@code open_clip_config.json}, for directories
 * without {@code config.json}. Only CLIP as OpenAI built it: anything that changes the computation
 * is refused by its key.
 */
final class OpenClipConfigFile {
  static final String NAME = "open_clip_config.json";

  private static final Set<String> MODEL_KEYS =
      Set.of(
          "embed_dim", "quick_gelu", "vision_cfg", "text_cfg", "init_logit_scale", "custom_text");
  private static final Set<String> VISION_KEYS =
      Set.of(
          "image_size",
          "layers",
          "width",
          "head_width",
          "mlp_ratio",
          "patch_size",
          "patch_dropout");
  private static final Set<String> TEXT_KEYS =
      Set.of("context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio");

  private static final double LAYER_NORM_EPSILON = 1e-5;

  private OpenClipConfigFile() {}

  static ClipConfig read(JsonSection file, TokenizerFiles.Vocabulary vocabulary) {
    JsonSection model = section(file, "model_cfg", MODEL_KEYS);
    JsonSection vision = section(model, "vision_cfg", VISION_KEYS);
    JsonSection text = section(model, "text_cfg", TEXT_KEYS);
    Activation activation =
        model.flag("quick_gelu", false) ? Activation.QUICK_GELU : Activation.GELU;
    int vocabularySize = text.integer("vocab_size", 49_408, 3, ConfigFile.MAX_VOCABULARY);
    vocabulary.checkFits(vocabularySize);
    vocabulary.checkEnd(vocabulary.highestId());
    int imageSize = vision.side("image_size", 224, 1, ConfigFile.MAX_IMAGE_SIZE);
    int visionWidth = vision.integer("width", 768, 1, ConfigFile.MAX_WIDTH);
    int headWidth = vision.integer("head_width", 64, 1, visionWidth);
    if (visionWidth % headWidth != 0) {
      throw vision.wrong("head_width", "a divisor of the width, " + visionWidth);
    }
    int textWidth = text.integer("width", 512, 1, ConfigFile.MAX_WIDTH);
    int textHeads = text.integer("heads", 8, 1, textWidth);
    if (textWidth % textHeads != 0) {
      throw text.wrong("heads", "a divisor of the width, " + textWidth);
    }
    return new ClipConfig(
        tower(vision, visionWidth, visionWidth / headWidth, activation),
        tower(text, textWidth, textHeads, activation),
        imageSize,
        vision.side("patch_size", 16, 1, imageSize),
        text.integer("context_length", 77, 3, ConfigFile.MAX_CONTEXT),
        vocabularySize,
        model.integer("embed_dim", 1, ConfigFile.MAX_WIDTH),
        vocabulary.startId(),
        vocabulary.endId(),
        true); // open_clip reads at argmax
  }

  static Preprocessing preprocessing(JsonSection file, ClipConfig config) {
    JsonSection given = file.section("preprocess_cfg");
    JsonSection section =
        given != null ? given : JsonSection.parse(NAME + ": preprocess_cfg", "{}");
    if (!section.text("interpolation", "bicubic").equals("bicubic")) {
      throw section.wrong("interpolation", "bicubic");
    }
    if (!section.text("resize_mode", "shortest").equals("shortest")) {
      throw section.wrong("resize_mode", "shortest");
    }
    return new Preprocessing(
        config.imageSize(),
        config.imageSize(),
        section.floats("mean", PreprocessingFile.openAiMean()),
        section.floats("std", PreprocessingFile.openAiStd()));
  }

  private static Tower tower(JsonSection section, int width, int heads, Activation activation) {
    double ratio = section.decimal("mlp_ratio", 4);
    if (!(ratio > 0 && ratio <= 16)) {
      throw section.wrong("mlp_ratio", "above 0, at most 16");
    }
    int layers = section.integer("layers", 12, 1, ConfigFile.MAX_LAYERS);
    return new Tower(width, layers, heads, (int) (width * ratio), activation, LAYER_NORM_EPSILON);
  }

  private static JsonSection section(JsonSection parent, String key, Set<String> known) {
    JsonSection section = parent.section(key);
    if (section == null) {
      throw parent.wrong(key, "an object");
    }
    for (String name : section.keys()) {
      if (!known.contains(name) && section.find(name) != null) {
        throw section.wrong(name, "absent: only OpenAI's architecture is supported");
      }
    }
    return section;
  }
}
