package dev.perennial.server.pretraining;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.image.Preprocessing;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Writes the tiny CLIP as a Hugging Face {@code CLIPModel} directory. Stateless. */
final class TinyClipFiles {
  private static final int PILLOW_BICUBIC = 3;

  /** log(1 / 0.07), where training starts; the file has the learned value. */
  private static final double FIRST_LOGIT_SCALE = 2.6592;

  private static final Gson JSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  private static final String WEIGHTS = "model.safetensors";

  private TinyClipFiles() {}

  /** The file of the weights. */
  static Path weights(Path directory) {
    return directory.resolve(WEIGHTS);
  }

  /** Everything but the card. The weights are rounded to half precision. */
  static void write(Path directory, Vocabulary vocabulary, List<TensorData> weights)
      throws IOException {
    Files.createDirectories(directory);
    write(directory, "config.json", config(TinyClip.config(vocabulary)));
    write(directory, "preprocessor_config.json", preprocessing(TinyClip.preprocessing()));
    write(directory, "vocab.json", vocabulary.ids());
    write(directory, "tokenizer_config.json", tokenizer());
    write(directory, "special_tokens_map.json", specialTokens());
    String merges =
        vocabulary.merges().stream()
            .map(merge -> merge.left() + " " + merge.right() + "\n")
            .collect(Collectors.joining("", "#version: 0.2\n", ""));
    Files.writeString(directory.resolve("merges.txt"), merges);
    List<TensorData> halves =
        weights.stream()
            .map(weight -> TensorData.ofHalves(weight.name(), weight.shape(), weight.toFloats()))
            .toList();
    Files.write(weights(directory), Safetensors.write(Map.of("format", "pt"), halves));
  }

  private static void write(Path directory, String name, Map<String, ?> json) throws IOException {
    Files.writeString(directory.resolve(name), JSON.toJson(json) + "\n");
  }

  private static Map<String, Object> config(ClipConfig config) {
    Map<String, Object> text = tower(config.text(), "clip_text_model", config.embedDim());
    text.put("vocab_size", config.vocabularySize());
    text.put("max_position_embeddings", config.contextLength());
    text.put("bos_token_id", config.startOfTextId());
    text.put("eos_token_id", config.endOfTextId());
    text.put("pad_token_id", config.endOfTextId());
    Map<String, Object> vision = tower(config.image(), "clip_vision_model", config.embedDim());
    vision.put("image_size", config.imageSize());
    vision.put("patch_size", config.patchSize());
    vision.put("num_channels", 3);
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("architectures", List.of("CLIPModel"));
    json.put("model_type", "clip");
    json.put("torch_dtype", "float16");
    json.put("projection_dim", config.embedDim());
    json.put("logit_scale_init_value", FIRST_LOGIT_SCALE);
    json.put("initializer_factor", 1.0);
    json.put("text_config", text);
    json.put("vision_config", vision);
    return json;
  }

  private static Map<String, Object> tower(Tower tower, String type, int embedDim) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("model_type", type);
    json.put("hidden_size", tower.width());
    json.put("intermediate_size", tower.mlpWidth());
    json.put("num_hidden_layers", tower.layers());
    json.put("num_attention_heads", tower.heads());
    json.put("hidden_act", tower.activation().name().toLowerCase(Locale.ROOT));
    json.put("layer_norm_eps", tower.layerNormEpsilon());
    json.put("attention_dropout", 0.0);
    json.put("projection_dim", embedDim);
    return json;
  }

  private static Map<String, Object> preprocessing(Preprocessing preprocessing) {
    int crop = preprocessing.imageSize();
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("image_processor_type", "CLIPImageProcessor");
    json.put("do_convert_rgb", true);
    json.put("do_resize", true);
    json.put("size", Map.of("shortest_edge", preprocessing.resizeShortSide()));
    json.put("resample", PILLOW_BICUBIC);
    json.put("do_center_crop", true);
    Map<String, Integer> cropSize = new LinkedHashMap<>();
    cropSize.put("height", crop);
    cropSize.put("width", crop);
    json.put("crop_size", cropSize);
    json.put("do_rescale", true);
    json.put("rescale_factor", 1 / 255.0);
    json.put("do_normalize", true);
    json.put("image_mean", decimals(preprocessing.mean()));
    json.put("image_std", decimals(preprocessing.std()));
    return json;
  }

  /** As they are written in decimals, not as a float's nearest double. */
  private static List<Double> decimals(float[] values) {
    return IntStream.range(0, values.length)
        .mapToObj(i -> Double.valueOf(Float.toString(values[i])))
        .toList();
  }

  private static Map<String, Object> tokenizer() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("tokenizer_class", "CLIPTokenizer");
    json.put("model_max_length", Vocabulary.CONTEXT_LENGTH);
    json.put("do_lower_case", true);
    json.put("add_prefix_space", false);
    json.put("errors", "replace");
    json.putAll(specialTokens());
    // every word of pre-training is one token: a word that splits was never seen
    json.put("perennial_whole_words", true);
    return json;
  }

  private static Map<String, Object> specialTokens() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("bos_token", Vocabulary.START_OF_TEXT);
    json.put("eos_token", Vocabulary.END_OF_TEXT);
    json.put("unk_token", Vocabulary.END_OF_TEXT);
    json.put("pad_token", Vocabulary.END_OF_TEXT);
    return json;
  }

  /** The model card. */
  static void writeCard(Path directory, Pretraining.Config config, int steps, ZeroShotReport report)
      throws IOException {
    String tasks =
        report.miniMtil().entrySet().stream()
            .map(entry -> row("mini-MTIL " + entry.getKey(), entry.getValue()))
            .collect(Collectors.joining());
    String numbers =
        row("Own caption among 512", report.retrieval())
            + row("Colour and shape of 240, pairs never seen in pre-training", report.heldOutPair())
            + row("- shape right", report.heldOutShape())
            + row("- colour right", report.heldOutColour())
            + row("Colour and shape of 240, seen pairs", report.seenPair())
            + tasks
            + row("mini-MTIL mean", report.miniMtilMean());
    Files.writeString(
        directory.resolve("README.md"),
        CARD.formatted(
            command(config), steps, steps * (long) config.batchSize(), origin(config), numbers));
  }

  private static String command(Pretraining.Config config) {
    return String.format(
        Locale.ROOT,
        "perennial pretrain %s--out DIR --steps %d --batch-size %d --seed %d --learning-rate %s",
        config.from() == null ? "" : "--from EARLIER ",
        config.steps(),
        config.batchSize(),
        config.seed(),
        config.learningRate());
  }

  private static String origin(Pretraining.Config config) {
    return config.from() == null
        ? "Training began with random weights."
        : "Training went on from the weights of an earlier run of the same command.";
  }

  private static String row(String what, double percent) {
    return String.format(Locale.ROOT, "| %s | %.1f |%n", what, percent);
  }

  private static final String CARD =
      """
      # Perennial's tiny CLIP

      A CLIP of 1.27 million parameters for 32 x 32 pictures, so that a fresh machine serves, learns and
      classifies without a download. It is a normal Hugging Face `CLIPModel` directory in half precision.
      It knows a small procedural world only: 20 shapes, ten digits, 22 letters, twelve colours and twelve
      textures, under several kinds of light. It is of no use on photographs.

      | tower | width | layers | heads | perceptron |
      |---|---|---|---|---|
      | image (patches of 8) | 128 | 4 | 4 | 512 |
      | text (32 tokens) | 96 | 3 | 3 | 384 |

      Features have 128 dimensions; the activation is quick GELU. The tokenizer has CLIP's form; each word of
      the world is one token, and any other word falls into smaller pieces, so that unknown words stay
      different from each other and can be taught.

      ## How it was made

          %s

      Contrastive learning (Radford et al. 2021) on captioned pictures that are drawn as they are needed, with
      auxiliary classifications against prompts, easy pictures first; %d steps, %d pictures. Of 240 pairs of
      colour and shape 24 were held out. %s
      No data from anywhere else was used.

      ## What it can do untaught

      Accuracy in percent, of these files, in float32:

      | test | %% |
      |---|---|
      %s
      License: Apache-2.0.
      """;
}
