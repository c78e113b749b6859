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
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * A contribution as one safetensors file: {@link StatisticsTensors}, and as metadata {@code format}
 * and {@code perennial}, a JSON object with everything else. The same contribution always gives the
 * same bytes.
 */
public final class ContributionFile {
  private static final String FORMAT_KEY = "format";
  private static final String FORMATS = "perennial-contribution-";
  private static final String FORMAT = FORMATS + "1";
  private static final String JSON_KEY = "perennial";

  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private ContributionFile() {}

  public static byte[] write(Contribution contribution) {
    JsonObject json = new JsonObject();
    json.addProperty("task", contribution.task());
    json.addProperty("request_id", contribution.requestId());
    JsonArray classNames = new JsonArray();
    contribution.classNames().forEach(classNames::add);
    json.add("class_names", classNames);
    json.addProperty("backbone_fingerprint", contribution.backboneFingerprint());
    List<TensorData> tensors = new ArrayList<>();
    StatisticsTensors.add(tensors, contribution.statistics());
    return Safetensors.write(Map.of(FORMAT_KEY, FORMAT, JSON_KEY, GSON.toJson(json)), tensors);
  }

  /** Whether it is one, of whatever format. */
  static boolean isOne(Safetensors file) {
    String format = file.metadata().get(FORMAT_KEY);
    return format != null && format.startsWith(FORMATS);
  }

  /** Throws DATA_LOSS, and says what is wrong, where the bytes are no contribution. */
  static Contribution read(ByteBuffer bytes) {
    try {
      Safetensors file = Safetensors.parse(bytes.duplicate());
      String text = file.metadata().get(JSON_KEY);
      if (!FORMAT.equals(file.metadata().get(FORMAT_KEY)) || text == null) {
        throw new IllegalArgumentException(
            "format: " + file.metadata().get(FORMAT_KEY) + " (expected: " + FORMAT + ")");
      }
      return contribution(
          new TreeMap<>(file.tensors()), JsonParser.parseString(text).getAsJsonObject());
    } catch (ServingException
        | IllegalArgumentException
        | IllegalStateException // JSON of another shape
        | UnsupportedOperationException
        | ArithmeticException
        | JsonParseException e) {
      throw new ServingException(
          ErrorCode.DATA_LOSS, "CONTRIBUTION_DAMAGED", "contribution, " + e.getMessage(), e);
    }
  }

  private static Contribution contribution(Map<String, TensorData> tensors, JsonObject json) {
    List<String> classNames = new ArrayList<>();
    field(json, "class_names").getAsJsonArray().forEach(name -> classNames.add(name.getAsString()));
    FeatureStatistics statistics = StatisticsTensors.take(tensors);
    if (!tensors.isEmpty()) {
      throw new IllegalArgumentException(
          "tensors: " + tensors.keySet() + " (expected: nothing beside the statistics)");
    }
    return new Contribution(
        field(json, "task").getAsString(),
        field(json, "request_id").getAsString(),
        classNames,
        statistics,
        field(json, "backbone_fingerprint").getAsString());
  }

  private static JsonElement field(JsonObject json, String name) {
    JsonElement element = json.get(name);
    if (element == null) {
      throw new IllegalArgumentException(name + ": missing (expected: a value)");
    }
    return element;
  }
}
