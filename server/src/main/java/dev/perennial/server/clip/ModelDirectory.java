package dev.perennial.server.clip;

import com.google.gson.JsonElement;
import dev.perennial.server.image.Preprocessing;
import dev.perennial.server.safetensors.DataType;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A Hugging Face {@code CLIPModel} directory, checked. Immutable; safe for any thread.
 *
 * <p>The weights view the mapped files, in the type that they are stored in; nothing of their size
 * is on the heap (but for OpenAI's two projections, which are transposed).
 */
public final class ModelDirectory {
  private static final String EMBEDDED = "/models/tiny";
  private static final String WEIGHTS = "model.safetensors";
  private static final String SHARDS = "model.safetensors.index.json";
  private static final String OPEN_CLIP_WEIGHTS = "open_clip_model.safetensors";

  private static final Set<DataType> WEIGHT_TYPES =
      EnumSet.of(DataType.F32, DataType.F16, DataType.BF16);

  private final ClipConfig config;
  private final SortedMap<String, TensorData> weights;
  private final Tokenizer tokenizer;
  private final Preprocessing preprocessing;

  /** Computed when first asked for: it reads all weights. */
  private volatile @Nullable String fingerprint;

  private ModelDirectory(ModelFiles files) {
    TokenizerFiles tokenizerFiles = TokenizerFiles.read(files);
    JsonSection configFile = files.json(ConfigFile.NAME);
    JsonSection openClip = files.json(OpenClipConfigFile.NAME);
    if (configFile != null) {
      this.config = ConfigFile.read(configFile, tokenizerFiles.vocabulary());
      this.preprocessing = PreprocessingFile.read(files.json(PreprocessingFile.NAME), config);
    } else if (openClip != null) {
      this.config = OpenClipConfigFile.read(openClip, tokenizerFiles.vocabulary());
      this.preprocessing = OpenClipConfigFile.preprocessing(openClip, config);
    } else {
      throw ModelFiles.unusable(
          "MODEL_CONFIG",
          files.place() + ": no " + ConfigFile.NAME + " (expected: a CLIPModel directory)");
    }
    this.weights = checked(WeightNames.published(stored(files)), config);
    this.tokenizer = tokenizerFiles.tokenizer(config.contextLength());
  }

  /** Throws FAILED_PRECONDITION that names the file, tensor or key and what was expected. */
  public static ModelDirectory open(Path directory) {
    if (!Files.isDirectory(directory)) {
      throw ModelFiles.unusable(
          "MODEL_DIRECTORY", directory + ": no directory (expected: a CLIPModel directory)");
    }
    return new ModelDirectory(ModelFiles.of(directory));
  }

  /** The built-in tiny CLIP. */
  public static ModelDirectory embedded() {
    return new ModelDirectory(ModelFiles.ofResources(EMBEDDED));
  }

  public ClipConfig config() {
    return config;
  }

  /** Every weight of the model under its Hugging Face name, shapes checked, nothing else. */
  public Map<String, TensorData> weights() {
    return weights;
  }

  public Tokenizer tokenizer() {
    return tokenizer;
  }

  public Preprocessing preprocessing() {
    return preprocessing;
  }

  /**
   * SHA-256 over names, shapes and float32 values of the weights, in hexadecimal: whatever dtype or
   * sharding they came in.
   */
  public String fingerprint() {
    String known = fingerprint;
    if (known == null) {
      known = fingerprint(weights);
      fingerprint = known; // two threads may both compute it, and get the same
    }
    return known;
  }

  private static Map<String, TensorData> stored(ModelFiles files) {
    if (files.has(WEIGHTS)) {
      return files.tensors(WEIGHTS).tensors();
    }
    JsonSection index = files.json(SHARDS);
    if (index != null) {
      return shards(files, index);
    }
    if (files.has(OPEN_CLIP_WEIGHTS)) {
      return files.tensors(OPEN_CLIP_WEIGHTS).tensors();
    }
    throw ModelFiles.unusable(
        "MODEL_WEIGHTS",
        files.place()
            + ": no weights (expected: "
            + WEIGHTS
            + ", "
            + SHARDS
            + " or "
            + OPEN_CLIP_WEIGHTS
            + ")");
  }

  private static Map<String, TensorData> shards(ModelFiles files, JsonSection index) {
    JsonSection map = index.section("weight_map");
    if (map == null) {
      throw index.wrong("weight_map", "tensor names to file names");
    }
    Map<String, Safetensors> opened = new TreeMap<>();
    Map<String, TensorData> tensors = new TreeMap<>();
    for (String name : map.keys()) {
      String file = map.text(name, "");
      if (!file.matches("[\\w.-]+\\.safetensors") || !files.has(file)) {
        throw map.wrong(name, "the name of a safetensors file beside the index");
      }
      TensorData tensor = opened.computeIfAbsent(file, files::tensors).tensors().get(name);
      if (tensor == null) {
        throw map.wrong(name, "a file that has this tensor");
      }
      tensors.put(name, tensor);
    }
    opened.forEach(
        (file, shard) -> {
          for (String name : shard.tensors().keySet()) {
            JsonElement mapped = map.find(name);
            if (mapped == null) {
              throw map.wrong(name, "a file: " + file + " has this tensor");
            }
          }
        });
    return tensors;
  }

  private static SortedMap<String, TensorData> checked(
      SortedMap<String, TensorData> weights, ClipConfig config) {
    SortedMap<String, List<Long>> expected = new TreeMap<>();
    Stream.of(
            WeightLayout.image(config).stream(),
            WeightLayout.text(config).stream(),
            Stream.of(WeightLayout.logitScale(0)))
        .flatMap(entries -> entries)
        .forEach(entry -> entry.names().forEach(name -> expected.put(name, entry.shape())));
    expected.forEach(
        (name, shape) -> {
          TensorData weight = Weights.find(weights, name, shape);
          if (!WEIGHT_TYPES.contains(weight.type())) {
            throw ModelFiles.unusable(
                "WEIGHT_TYPE",
                name + ": dtype " + weight.type() + " (expected: one of " + WEIGHT_TYPES + ")");
          }
        });
    Set<String> others = new TreeSet<>(weights.keySet());
    others.removeAll(expected.keySet());
    if (!others.isEmpty()) {
      throw ModelFiles.unusable(
          "WEIGHT_UNKNOWN",
          others.iterator().next()
              + ": unknown, one of "
              + others.size()
              + " (expected: only the weights of a CLIPModel with the layers of the config)");
    }
    return Collections.unmodifiableSortedMap(weights);
  }

  private static String fingerprint(SortedMap<String, TensorData> weights) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
    weights.forEach(
        (name, weight) -> {
          digest.update((name + " " + weight.shape() + "\n").getBytes(StandardCharsets.UTF_8));
          digest.update(floatBytes(weight));
        });
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The values as float32, little-endian; no copy where they are. */
  private static ByteBuffer floatBytes(TensorData weight) {
    if (weight.type() == DataType.F32) {
      return weight.bytes();
    }
    float[] values = weight.toFloats();
    ByteBuffer bytes = ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES));
    bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values);
    return bytes;
  }
}
