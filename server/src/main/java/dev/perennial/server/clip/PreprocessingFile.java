package dev.perennial.server.clip;

import com.google.gson.JsonElement;
import dev.perennial.server.image.Preprocessing;
import org.jspecify.annotations.Nullable;

/**
 * How pictures are prepared, from {@code preprocessor_config.json}, with the defaults of
 * transformers' CLIPImageProcessor for what is absent (sizes: the model's image size). What we do
 * not compute is refused.
 */
final class PreprocessingFile {
  static final String NAME = "preprocessor_config.json";

  /** PIL.Image.Resampling.BICUBIC. */
  private static final int BICUBIC = 3;

  private static final double RESCALE = 1 / 255.0;

  private PreprocessingFile() {}

  /** Mean of the red, green and blue samples of OpenAI's training images. */
  static float[] openAiMean() {
    return new float[] {(float) 0.48145466, (float) 0.4578275, (float) 0.40821073};
  }

  /** Their standard deviations. */
  static float[] openAiStd() {
    return new float[] {(float) 0.26862954, (float) 0.26130258, (float) 0.27577711};
  }

  static Preprocessing read(@Nullable JsonSection file, ClipConfig config) {
    if (file == null) {
      return new Preprocessing(config.imageSize(), config.imageSize(), openAiMean(), openAiStd());
    }
    for (String step : new String[] {"do_resize", "do_center_crop", "do_rescale", "do_normalize"}) {
      if (!file.flag(step, true)) {
        throw file.wrong(step, "true");
      }
    }
    if (file.integer("resample", BICUBIC, 0, 100) != BICUBIC) {
      throw file.wrong("resample", BICUBIC + ", bicubic");
    }
    if (Math.abs(file.decimal("rescale_factor", RESCALE) - RESCALE) > 1e-9) {
      throw file.wrong("rescale_factor", "1/255");
    }
    int crop = cropSize(file, config.imageSize());
    if (crop != config.imageSize()) {
      throw file.wrong("crop_size", config.imageSize() + ", the model's image size");
    }
    float[] std = file.floats("image_std", openAiStd());
    for (float value : std) {
      if (!(value > 0)) {
        throw file.wrong("image_std", "above 0");
      }
    }
    return new Preprocessing(
        shortSide(file, config.imageSize()), crop, file.floats("image_mean", openAiMean()), std);
  }

  /** {@code 224} or {@code {"shortest_edge": 224}}. */
  private static int shortSide(JsonSection file, int absent) {
    JsonElement element = file.find("size");
    if (element == null || !element.isJsonObject()) {
      return file.integer("size", absent, 1, Preprocessing.MAX_IMAGE_SIZE);
    }
    JsonSection size = file.section("size");
    if (size == null || size.keys().size() != 1 || size.find("shortest_edge") == null) {
      throw file.wrong("size", "a number, or shortest_edge alone");
    }
    return size.integer("shortest_edge", 1, Preprocessing.MAX_IMAGE_SIZE);
  }

  /** {@code 224} or {@code {"height": 224, "width": 224}}. */
  private static int cropSize(JsonSection file, int absent) {
    JsonElement element = file.find("crop_size");
    if (element == null || !element.isJsonObject()) {
      return file.integer("crop_size", absent, 1, Preprocessing.MAX_IMAGE_SIZE);
    }
    JsonSection size = file.section("crop_size");
    if (size == null
        || size.integer("height", 1, Preprocessing.MAX_IMAGE_SIZE)
            != size.integer("width", 1, Preprocessing.MAX_IMAGE_SIZE)) {
      throw file.wrong("crop_size", "a square");
    }
    return size.integer("height", 1, Preprocessing.MAX_IMAGE_SIZE);
  }
}
