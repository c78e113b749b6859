package dev.perennial.server.clip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.clip.ClipConfig.Activation;
import dev.perennial.server.clip.ClipConfig.Tower;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.safetensors.DataType;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelDirectoryTest {
  private static final List<String> FILES =
      List.of(
          "config.json",
          "preprocessor_config.json",
          "vocab.json",
          "merges.txt",
          "model.safetensors");

  @TempDir Path copy;

  private static Path golden(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(ModelDirectoryTest.class.getResource("/golden/model/" + name))
              .toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  @BeforeEach
  void copyPlainModel() throws IOException {
    for (String file : FILES) {
      Files.copy(golden("fp32").resolve(file), copy.resolve(file));
    }
  }

  private void edit(String file, UnaryOperator<String> change) throws IOException {
    String text = Files.readString(copy.resolve(file));
    String changed = change.apply(text);
    assertNotEquals(text, changed);
    Files.writeString(copy.resolve(file), changed);
  }

  private void editWeights(UnaryOperator<Map<String, TensorData>> change) throws IOException {
    Map<String, TensorData> weights =
        new TreeMap<>(Safetensors.open(golden("fp32").resolve("model.safetensors")).tensors());
    Files.write(
        copy.resolve("model.safetensors"),
        Safetensors.write(Map.of(), change.apply(weights).values()));
  }

  private ServingException assertRefused(String... parts) {
    ServingException e = assertThrows(ServingException.class, () -> ModelDirectory.open(copy));
    assertEquals(ErrorCode.FAILED_PRECONDITION, e.code());
    for (String part : parts) {
      assertTrue(String.valueOf(e.getMessage()).contains(part), e::toString);
    }
    return e;
  }

  @ParameterizedTest
  @ValueSource(strings = {"fp32", "fp16", "bf16", "sharded", "openai", "open_clip"})
  void open_everyForm_givesTheSameModel(String form) {
    ModelDirectory plain = ModelDirectory.open(golden("fp32"));

    ModelDirectory model = ModelDirectory.open(golden(form));

    assertEquals(plain.weights().keySet(), model.weights().keySet());
    plain
        .weights()
        .forEach(
            (name, weight) -> {
              TensorData other = Objects.requireNonNull(model.weights().get(name));
              assertEquals(weight.shape(), other.shape(), name);
              assertArrayEquals(weight.toFloats(), other.toFloats(), 0f, name);
            });
    assertEquals(plain.fingerprint(), model.fingerprint());
    assertTrue(model.fingerprint().matches("[0-9a-f]{64}"));
    Tower image = new Tower(20, 3, 4, 28, Activation.QUICK_GELU, 1e-5);
    Tower text = new Tower(16, 2, 2, 24, Activation.QUICK_GELU, 1e-5);
    boolean highest = form.equals("open_clip");
    assertEquals(new ClipConfig(image, text, 12, 4, 10, 60, 12, 58, 59, highest), model.config());
    assertArrayEquals(new float[] {0.5f, 0.25f, 0.125f}, model.preprocessing().mean());
    assertArrayEquals(new float[] {0.25f, 0.5f, 1f}, model.preprocessing().std());
    assertEquals(12, model.preprocessing().imageSize());
    assertEquals(12, model.preprocessing().resizeShortSide());
    assertArrayEquals(model.tokenizer().encode("cat red"), plain.tokenizer().encode("cat red"));
  }

  @Test
  void open_halfPrecision_isKeptAsItIs() {
    TensorData weight =
        Objects.requireNonNull(
            ModelDirectory.open(golden("bf16")).weights().get("visual_projection.weight"));
    assertEquals(DataType.BF16, weight.type());
  }

  @Test
  void fingerprint_oneOtherBit_isAnother() throws IOException {
    String before = ModelDirectory.open(copy).fingerprint();
    editWeights(
        weights -> {
          float[] scale = {
            Math.nextUp(Objects.requireNonNull(weights.get("logit_scale")).toFloats()[0])
          };
          weights.put("logit_scale", TensorData.ofFloats("logit_scale", List.of(), scale));
          return weights;
        });
    assertNotEquals(before, ModelDirectory.open(copy).fingerprint());
  }

  @Test
  void fingerprint_tinyModel_isPinned() {
    // Stored with every task: it must never change for the same weights.
    assertEquals(
        "4c58220ace4fbdcf4ecbf17e8c1189d47179f3dff879c12b21cdfc61b9f13adc",
        ModelDirectory.open(golden("fp32")).fingerprint());
  }

  @Test
  void open_absentKeys_areTransformersDefaults() throws IOException {
    String config = "{\"text_config\":{},\"vision_config\":null}";
    TokenizerFiles.Vocabulary vocabulary = new TokenizerFiles.Vocabulary(49406, 49407, 49407, -1);

    ClipConfig read = ConfigFile.read(JsonSection.parse("config.json", config), vocabulary);

    assertEquals(
        new ClipConfig(
            new Tower(768, 12, 12, 3072, Activation.QUICK_GELU, 1e-5),
            new Tower(512, 12, 8, 2048, Activation.QUICK_GELU, 1e-5),
            224,
            32,
            77,
            49408,
            512,
            49406,
            49407,
            false),
        read);
  }

  @Test
  void open_publishedOpenAiConfig_readsTheHighestId() {
    String config =
        "{\"model_type\":\"clip\",\"projection_dim\":768,\"text_config_dict\":{\"hidden_size\":768,\"intermediate_size\":3072,"
            + "\"num_attention_heads\":12,\"eos_token_id\":2},\"text_config\":{\"hidden_size\":1},"
            + "\"vision_config\":{\"hidden_act\":\"gelu\",\"layer_norm_eps\":1e-06,\"image_size\":[336,336],\"patch_size\":14}}";
    TokenizerFiles.Vocabulary vocabulary = new TokenizerFiles.Vocabulary(49406, 49407, 49407, -1);

    ClipConfig read = ConfigFile.read(JsonSection.parse("config.json", config), vocabulary);

    assertTrue(read.endOfTextIsHighestId());
    assertEquals(49407, read.endOfTextId());
    assertEquals(new Tower(768, 12, 12, 3072, Activation.QUICK_GELU, 1e-5), read.text());
    assertEquals(new Tower(768, 12, 12, 3072, Activation.GELU, 1e-6), read.image());
    assertEquals(336, read.imageSize());
    assertEquals(577, read.imageTokens());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"model_type\": \"clip\" | \"model_type\": \"siglip\" | model_type",
        "\"hidden_act\": \"quick_gelu\" | \"hidden_act\": \"silu\" | text_config.hidden_act: \"silu\"",
        "\"num_attention_heads\": 4 | \"num_attention_heads\": 3 | vision_config.num_attention_heads: 3",
        "\"num_channels\": 3 | \"num_channels\": 1 | vision_config.num_channels",
        "\"hidden_size\": 16 | \"hidden_size\": \"16\" | text_config.hidden_size",
        "\"hidden_size\": 16 | \"hidden_size\": 16.5 | text_config.hidden_size",
        "\"hidden_size\": 16 | \"hidden_size\": -16 | text_config.hidden_size",
        "\"vocab_size\": 60 | \"vocab_size\": 59 | below vocab_size, 59",
        "\"eos_token_id\": 59 | \"eos_token_id\": 57 | id of the end of text: 59 (expected: 57",
        "\"projection_dim\": 12 | \"projection_dim\": 13 | shape [12, 16] (expected: [13, 16])",
        "\"num_hidden_layers\": 3 | \"num_hidden_layers\": 2 | vision_model.encoder.layers.2",
        "\"num_hidden_layers\": 3 | \"num_hidden_layers\": 4 | vision_model.encoder.layers.3",
        "\"patch_size\": 4 | \"patch_size\": 13 | vision_config.patch_size",
        "{ | [ | config.json"
      })
  void open_badConfig_isRefusedByItsKey(String from, String to, String expected)
      throws IOException {
    edit("config.json", text -> text.replaceFirst(Pattern.quote(from), to));
    assertRefused(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"shortest_edge\": 12 | \"longest_edge\": 12 | size",
        "\"height\": 12 | \"height\": 13 | crop_size",
        "\"resample\": 3 | \"resample\": 2 | resample",
        "\"do_resize\": true | \"do_resize\": false | do_resize",
        "[0.25, 0.5, 1.0] | [0.25, 0, 1.0] | image_std",
        "[0.25, 0.5, 1.0] | [0.25, 0.5] | image_std"
      })
  void open_otherPreprocessing_isRefusedByItsKey(String from, String to, String expected)
      throws IOException {
    edit("preprocessor_config.json", text -> text.replace(from, to));
    assertRefused("preprocessor_config.json: " + expected);
  }

  @Test
  void open_sizesAsNumbers_areRead() throws IOException {
    edit(
        "preprocessor_config.json",
        text ->
            text.replace("{\"shortest_edge\": 12}", "14")
                .replace("{\"height\": 12, \"width\": 12}", "12"));
    assertEquals(14, ModelDirectory.open(copy).preprocessing().resizeShortSide());
  }

  @Test
  void open_noPreprocessorConfig_isOpenAis() throws IOException {
    Files.delete(copy.resolve("preprocessor_config.json"));
    ModelDirectory model = ModelDirectory.open(copy);
    assertEquals(12, model.preprocessing().imageSize());
    assertEquals((float) 0.48145466, model.preprocessing().mean()[0]);
  }

  @Test
  void open_missingTensor_isRefusedWithItsShape() throws IOException {
    String name = "text_model.encoder.layers.1.self_attn.k_proj.weight";
    editWeights(
        weights -> {
          weights.remove(name);
          return weights;
        });
    assertRefused(name, "[16, 16]");
  }

  @Test
  void open_extraTensor_isRefused() throws IOException {
    editWeights(
        weights -> {
          weights.put(
              "adapter.weight", TensorData.ofFloats("adapter.weight", List.of(1L), new float[1]));
          return weights;
        });
    assertRefused("adapter.weight");
  }

  @Test
  void open_otherType_isRefused() throws IOException {
    editWeights(
        weights -> {
          weights.put("logit_scale", TensorData.ofDoubles("logit_scale", List.of(), new double[1]));
          return weights;
        });
    assertRefused("logit_scale", "F64", "F32");
  }

  @Test
  void open_resNet_isRefused() throws IOException {
    editWeights(
        weights -> {
          String name = "visual.layer1.0.conv1.weight";
          weights.put(name, TensorData.ofFloats(name, List.of(1L), new float[1]));
          return weights;
        });
    assertEquals("UNSUPPORTED_TOWER", assertRefused("ResNet", "vision transformer").reason());
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "merges.txt", "model.safetensors"})
  void open_missingFile_isRefusedByItsName(String name) throws IOException {
    Files.delete(copy.resolve(name));
    assertRefused(name);
  }

  @Test
  void open_noDirectory_isRefused() {
    ServingException e =
        assertThrows(ServingException.class, () -> ModelDirectory.open(copy.resolve("none")));
    assertEquals("MODEL_DIRECTORY", e.reason());
  }

  @Test
  void open_damagedWeights_isDataLoss() throws IOException {
    byte[] file = Files.readAllBytes(copy.resolve("model.safetensors"));
    Files.write(copy.resolve("model.safetensors"), Arrays.copyOf(file, file.length - 1));
    ServingException e = assertThrows(ServingException.class, () -> ModelDirectory.open(copy));
    assertEquals(ErrorCode.DATA_LOSS, e.code());
  }

  @Test
  void open_shardOutsideTheDirectory_isRefused() throws IOException {
    Files.delete(copy.resolve("model.safetensors"));
    Files.writeString(
        copy.resolve("model.safetensors.index.json"),
        "{\"weight_map\":{\"logit_scale\":\"../model.safetensors\"}}");
    assertRefused("model.safetensors.index.json: weight_map.logit_scale", "beside the index");
  }

  @Test
  void open_openClipWithOtherArchitecture_isRefusedByItsKey() throws IOException {
    Files.delete(copy.resolve("config.json"));
    String json = Files.readString(golden("open_clip").resolve("open_clip_config.json"));
    Files.writeString(
        copy.resolve("open_clip_config.json"),
        json.replace("\"layers\": 3", "\"layers\": 3, \"timm_model_name\": \"x\""));
    assertRefused("vision_cfg.timm_model_name");
  }

  @Test
  void resources_golden_areReadLikeTheDirectory() throws IOException {
    ModelFiles files = ModelFiles.ofResources("/golden/model/fp32");
    assertTrue(files.has("config.json"));
    assertFalse(files.has("tokenizer.json"));
    try (InputStream in = Files.newInputStream(golden("fp32").resolve("config.json"))) {
      assertArrayEquals(
          in.readAllBytes(), files.text("config.json").getBytes(StandardCharsets.UTF_8));
    }
    assertEquals(
        Safetensors.open(golden("fp32").resolve("model.safetensors")).tensors(),
        files.tensors("model.safetensors").tensors());
  }
}
