package dev.perennial.server.clip;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.StringReader;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An object of a JSON file that says where it is when something in it is wrong:
 * FAILED_PRECONDITION, {@code config.json: text_config.hidden_size: "x" (expected: ...)}. A null
 * counts as absent.
 */
final class JsonSection {
  private final String path;
  private final JsonObject object;

  private JsonSection(String path, JsonObject object) {
    this.path = path;
    this.object = object;
  }

  static JsonSection parse(String file, String text) {
    try {
      JsonReader reader = new JsonReader(new StringReader(text));
      reader.setStrictness(Strictness.STRICT);
      JsonElement root = JsonParser.parseReader(reader);
      if (root.isJsonObject()) {
        return new JsonSection(file + ": ", root.getAsJsonObject());
      }
    } catch (JsonParseException e) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "MODEL_CONFIG",
          file + ": " + e.getMessage() + " (expected: JSON)",
          e);
    }
    throw ModelFiles.unusable("MODEL_CONFIG", file + ": no object (expected: a JSON object)");
  }

  /** What is under the key; null if nothing is. */
  @Nullable JsonElement find(String key) {
    JsonElement element = object.get(key);
    return element == null || element.isJsonNull() ? null : element;
  }

  Set<String> keys() {
    return object.keySet();
  }

  /** The file's own object, to be copied or read. */
  JsonObject object() {
    return object;
  }

  /** The object under the key; null if there is nothing. */
  @Nullable JsonSection section(String key) {
    JsonElement element = find(key);
    if (element == null) {
      return null;
    }
    if (!element.isJsonObject()) {
      throw wrong(key, "an object");
    }
    return new JsonSection(path + key + ".", element.getAsJsonObject());
  }

  int integer(String key, int absent, int min, int max) {
    JsonElement element = find(key);
    return element == null ? absent : integer(key, element, min, max);
  }

  /** The same without a default. */
  int integer(String key, int min, int max) {
    JsonElement element = find(key);
    if (element == null) {
      throw wrong(key, min + ".." + max);
    }
    return integer(key, element, min, max);
  }

  private int integer(String key, JsonElement element, int min, int max) {
    double value = number(key, element, min + ".." + max);
    if (value != Math.rint(value) || value < min || value > max) {
      throw wrong(key, min + ".." + max);
    }
    return (int) value;
  }

  /** One number, or a list of equal ones: {@code 224}, {@code [224, 224]}. */
  int side(String key, int absent, int min, int max) {
    JsonElement element = find(key);
    if (element == null || !element.isJsonArray()) {
      return integer(key, absent, min, max);
    }
    JsonArray list = element.getAsJsonArray();
    if (list.size() != 2 || !list.get(0).equals(list.get(1))) {
      throw wrong(key, "one number, or two equal ones");
    }
    return integer(key, list.get(0), min, max);
  }

  double decimal(String key, double absent) {
    JsonElement element = find(key);
    return element == null ? absent : number(key, element, "a number");
  }

  String text(String key, String absent) {
    JsonElement element = find(key);
    if (element == null) {
      return absent;
    }
    if (!(element instanceof JsonPrimitive text) || !text.isString()) {
      throw wrong(key, "a string");
    }
    return text.getAsString();
  }

  boolean flag(String key, boolean absent) {
    JsonElement element = find(key);
    if (element == null) {
      return absent;
    }
    if (!(element instanceof JsonPrimitive flag) || !flag.isBoolean()) {
      throw wrong(key, "true or false");
    }
    return flag.getAsBoolean();
  }

  /** So many numbers. */
  float[] floats(String key, float[] absent) {
    JsonElement element = find(key);
    if (element == null) {
      return absent.clone();
    }
    String expected = absent.length + " numbers";
    if (!element.isJsonArray() || element.getAsJsonArray().size() != absent.length) {
      throw wrong(key, expected);
    }
    float[] values = new float[absent.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) number(key, element.getAsJsonArray().get(i), expected);
    }
    return values;
  }

  private double number(String key, JsonElement element, String expected) {
    if (element instanceof JsonPrimitive number && number.isNumber()) {
      double value = number.getAsDouble();
      if (Double.isFinite(value)) {
        return value;
      }
    }
    throw wrong(key, expected);
  }

  /** The error of a value that is not what it should be. */
  ServingException wrong(String key, String expected) {
    JsonElement element = find(key);
    String value = element == null ? "absent" : element.toString();
    if (value.length() > 200) {
      value = value.substring(0, 200) + "...";
    }
    return ModelFiles.unusable(
        "MODEL_CONFIG", path + key + ": " + value + " (expected: " + expected + ")");
  }
}
