package dev.perennial.server.task;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.safetensors.DataType;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A task version as one safetensors file. The same version always gives the same bytes.
 *
 * <p>Tensors, for N from 0: {@code image.N.key}, {@code image.N.value}, {@code text.N.key}, {@code
 * text.N.value}, F32 (P, W); {@code statistics.class_counts} (K), {@code statistics.class_sums} (K,
 * d), {@code statistics.products} (d (d + 1) / 2, the upper triangle row by row), I64. Metadata:
 * {@code format}, and {@code perennial}, a JSON object with everything else.
 *
 * <p>Format 1, still read, has no {@code head}: its constants then follow from the sums.
 */
public final class TaskVersionFile {
  private static final String FORMAT_KEY = "format";
  private static final String FORMAT = "perennial-task-version-2";
  private static final String FORMAT_WITHOUT_HEAD = "perennial-task-version-1";
  private static final String JSON_KEY = "perennial";

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private TaskVersionFile() {}

  public static byte[] write(TaskVersion version) {
    List<TensorData> tensors = new ArrayList<>();
    Prefixes prefixes = version.prefixes();
    addLayers(tensors, "image", prefixes.length(), prefixes.imageKeys(), prefixes.imageValues());
    addLayers(tensors, "text", prefixes.length(), prefixes.textKeys(), prefixes.textValues());
    StatisticsTensors.add(tensors, version.statistics());
    return Safetensors.write(
        Map.of(FORMAT_KEY, FORMAT, JSON_KEY, GSON.toJson(json(version))), tensors);
  }

  private static void addLayers(
      List<TensorData> tensors,
      String tower,
      int length,
      List<float[]> keys,
      List<float[]> values) {
    for (int layer = 0; layer < keys.size(); layer++) {
      List<Long> shape = List.of((long) length, (long) keys.get(layer).length / length);
      tensors.add(TensorData.ofFloats(key(tower, layer), shape, keys.get(layer)));
      tensors.add(TensorData.ofFloats(value(tower, layer), shape, values.get(layer)));
    }
  }

  private static String key(String tower, int layer) {
    return tower + "." + layer + ".key";
  }

  private static String value(String tower, int layer) {
    return tower + "." + layer + ".value";
  }

  private static JsonObject json(TaskVersion version) {
    JsonObject json = new JsonObject();
    json.addProperty("task", version.task());
    JsonArray classNames = new JsonArray();
    version.classNames().forEach(classNames::add);
    json.add("class_names", classNames);
    json.addProperty("template", version.template());
    JsonObject gate = new JsonObject();
    gate.addProperty("kind", version.gate().kind().name());
    gate.addProperty("mean_log_density", version.gate().meanLogDensity());
    gate.addProperty("std_log_density", version.gate().stdLogDensity());
    json.add("gate", gate);
    JsonObject head = new JsonObject();
    head.addProperty("tau", version.head().tau());
    head.addProperty("mean_log_density", version.head().meanLogDensity());
    head.addProperty("std_log_density", version.head().stdLogDensity());
    json.add("head", head);
    JsonObject options = new JsonObject();
    version.options().forEach(options::addProperty);
    json.add("options", options);
    JsonObject metrics = new JsonObject();
    version.metrics().forEach(metrics::addProperty);
    json.add("metrics", metrics);
    json.addProperty("seed", version.seed());
    json.addProperty("backbone_fingerprint", version.backboneFingerprint());
    json.addProperty("created", version.created().toString());
    return json;
  }

  /** Throws DATA_LOSS, and says what is wrong, where the bytes are no task version. */
  public static TaskVersion read(ByteBuffer bytes) {
    Safetensors file = parse(bytes);
    String format = file.metadata().get(FORMAT_KEY);
    String text = file.metadata().get(JSON_KEY);
    boolean hasHead = FORMAT.equals(format);
    if (!(hasHead || FORMAT_WITHOUT_HEAD.equals(format)) || text == null) {
      throw damaged("format: " + format + " (expected: " + FORMAT + ")", null);
    }
    try {
      return version(
          new TreeMap<>(file.tensors()), JsonParser.parseString(text).getAsJsonObject(), hasHead);
    } catch (IllegalArgumentException
        | ArithmeticException
        | DateTimeException
        | JsonParseException e) {
      throw damaged(String.valueOf(e.getMessage()), e);
    } catch (IllegalStateException | UnsupportedOperationException e) { // JSON of another shape
      throw damaged("metadata " + JSON_KEY + ": " + e.getMessage(), e);
    }
  }

  /** A type that we do not read is damage here: no version was ever written with it. */
  private static Safetensors parse(ByteBuffer bytes) {
    try {
      return Safetensors.parse(bytes);
    } catch (ServingException e) {
      throw damaged(String.valueOf(e.getMessage()), e);
    }
  }

  private static ServingException damaged(String what, @Nullable Exception cause) {
    String message = "task version, " + what;
    return cause == null
        ? new ServingException(ErrorCode.DATA_LOSS, "VERSION_DAMAGED", message)
        : new ServingException(ErrorCode.DATA_LOSS, "VERSION_DAMAGED", message, cause);
  }

  /** Empties the map; what is left over does not belong there. */
  private static TaskVersion version(
      Map<String, TensorData> tensors, JsonObject json, boolean hasHead) {
    JsonArray names = field(json, "class_names").getAsJsonArray();
    List<String> classNames = new ArrayList<>();
    names.forEach(name -> classNames.add(name.getAsString()));
    Prefixes prefixes = prefixes(tensors);
    FeatureStatistics statistics = StatisticsTensors.take(tensors);
    if (!tensors.isEmpty()) {
      throw new IllegalArgumentException(
          "tensors: " + tensors.keySet() + " (expected: nothing beside a version's tensors)");
    }
    GateConstants gate = gate(field(json, "gate").getAsJsonObject());
    Map<String, String> options = new TreeMap<>();
    field(json, "options")
        .getAsJsonObject()
        .asMap()
        .forEach((name, option) -> options.put(name, option.getAsString()));
    Map<String, Double> metrics = new TreeMap<>();
    field(json, "metrics")
        .getAsJsonObject()
        .asMap()
        .forEach((name, metric) -> metrics.put(name, metric.getAsDouble()));
    return new TaskVersion(
        field(json, "task").getAsString(),
        classNames,
        field(json, "template").getAsString(),
        prefixes,
        statistics,
        gate,
        hasHead
            ? head(field(json, "head").getAsJsonObject())
            : HeadConstants.ofSums(statistics, gate),
        options,
        metrics,
        field(json, "seed").getAsLong(),
        field(json, "backbone_fingerprint").getAsString(),
        Instant.parse(field(json, "created").getAsString()));
  }

  private static GateConstants gate(JsonObject json) {
    return new GateConstants(
        GateKind.valueOf(field(json, "kind").getAsString()),
        field(json, "mean_log_density").getAsDouble(),
        field(json, "std_log_density").getAsDouble());
  }

  private static HeadConstants head(JsonObject json) {
    return new HeadConstants(
        field(json, "tau").getAsDouble(),
        field(json, "mean_log_density").getAsDouble(),
        field(json, "std_log_density").getAsDouble());
  }

  private static JsonElement field(JsonObject json, String name) {
    JsonElement element = json.get(name);
    if (element == null) {
      throw new IllegalArgumentException(name + ": missing (expected: a value)");
    }
    return element;
  }

  private static Prefixes prefixes(Map<String, TensorData> tensors) {
    TensorData first = tensors.get(key("image", 0));
    if (first == null
        || first.shape().size() != 2
        || first.shape().get(0) > PrefixShape.MAX_LENGTH) {
      throw new IllegalArgumentException(
          key("image", 0)
              + ": "
              + (first == null ? "missing" : "shape " + first.shape())
              + " (expected: (P, W))");
    }
    long length = first.shape().get(0);
    List<float[]> imageKeys = new ArrayList<>();
    List<float[]> imageValues = new ArrayList<>();
    List<float[]> textKeys = new ArrayList<>();
    List<float[]> textValues = new ArrayList<>();
    takeLayers(tensors, "image", length, imageKeys, imageValues);
    takeLayers(tensors, "text", length, textKeys, textValues);
    return new Prefixes(Math.toIntExact(length), imageKeys, imageValues, textKeys, textValues);
  }

  private static void takeLayers(
      Map<String, TensorData> tensors,
      String tower,
      long length,
      List<float[]> keys,
      List<float[]> values) {
    for (int layer = 0; tensors.containsKey(key(tower, layer)); layer++) {
      keys.add(takeRows(tensors, key(tower, layer), length));
      values.add(takeRows(tensors, value(tower, layer), length));
    }
  }

  private static float[] takeRows(Map<String, TensorData> tensors, String name, long length) {
    TensorData tensor = StatisticsTensors.take(tensors, name, DataType.F32);
    if (tensor.shape().size() != 2 || tensor.shape().get(0) != length) {
      throw new IllegalArgumentException(
          name + ": shape " + tensor.shape() + " (expected: (" + length + ", W))");
    }
    return tensor.toFloats();
  }

  /** SHA-256 in hexadecimal. */
  public static String versionId(byte[] bytes) {
    return versionId(ByteBuffer.wrap(bytes));
  }

  /** The same of a buffer's remaining bytes; its position stays. */
  public static String versionId(ByteBuffer bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(bytes.duplicate());
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
