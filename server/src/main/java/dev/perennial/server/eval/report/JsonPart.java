package dev.perennial.server.eval.report;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A piece of the results' JSON that knows where it is, so that what is wrong in it is named:
 * INVALID_ARGUMENT, {@code methods.diki.runs[0].matrix: 6 rows (expected: 7)}. A null counts as
 * absent. Immutable.
 */
record JsonPart(String path, JsonElement element) {
  private static final int LONGEST_VALUE = 80;

  /** What is under the key of this object; null if nothing is. */
  @Nullable JsonPart find(String key) {
    JsonElement found = object().get(key);
    return found == null || found.isJsonNull() ? null : new JsonPart(below(key), found);
  }

  /** What must be under the key of this object. */
  JsonPart get(String key) {
    JsonPart found = find(key);
    if (found == null) {
      throw wrong(below(key), "absent", "a value");
    }
    return found;
  }

  /** The members of this object in their order, without nulls. */
  Map<String, JsonPart> members() {
    Map<String, JsonPart> members = new LinkedHashMap<>();
    for (String key : object().keySet()) {
      JsonPart member = find(key);
      if (member != null) {
        members.put(key, member);
      }
    }
    return members;
  }

  /** The members of this array. */
  List<JsonPart> list() {
    if (!(element instanceof JsonArray array)) {
      throw wrong("a list");
    }
    List<JsonPart> parts = new ArrayList<>();
    for (int i = 0; i < array.size(); i++) {
      parts.add(new JsonPart(path + "[" + i + "]", array.get(i)));
    }
    return parts;
  }

  /** The members of this array, of which there must be so many. */
  List<JsonPart> list(int size) {
    List<JsonPart> parts = list();
    if (parts.size() != size) {
      throw wrong(path, parts.size() + " entries", Integer.toString(size));
    }
    return parts;
  }

  String text() {
    if (element instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw wrong("a string");
  }

  /** A finite number; NaN where a null stands. */
  double numberOrNone() {
    return element.isJsonNull() ? Double.NaN : number();
  }

  double number() {
    if (element instanceof JsonPrimitive primitive && primitive.isNumber()) {
      double value = primitive.getAsDouble();
      if (Double.isFinite(value)) {
        return value;
      }
    }
    throw wrong("a number");
  }

  /** The numbers of this array, NaN for null. */
  double[] numbers(int size) {
    return list(size).stream().mapToDouble(JsonPart::numberOrNone).toArray();
  }

  /** The T x T matrix in this array of arrays. */
  Grid grid(int size) {
    return new Grid(list(size).stream().map(row -> row.numbers(size)).toArray(double[][]::new));
  }

  /** Any value as one line of text; strings without their quotes. */
  String display() {
    if (element instanceof JsonPrimitive primitive) {
      return primitive.getAsString();
    }
    if (element instanceof JsonArray array) {
      List<String> texts = list().stream().map(JsonPart::display).toList();
      return array.isEmpty() ? "none" : String.join(", ", texts);
    }
    return element.toString();
  }

  /** The error of a value that is not what it should be. */
  ServingException wrong(String expected) {
    String value = element.toString();
    return wrong(
        path,
        value.length() <= LONGEST_VALUE ? value : value.substring(0, LONGEST_VALUE) + "...",
        expected);
  }

  private JsonObject object() {
    if (element instanceof JsonObject object) {
      return object;
    }
    throw wrong("an object");
  }

  private String below(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  private static ServingException wrong(String path, String value, String expected) {
    String field = path.isEmpty() ? "results" : path;
    return ServingException.invalid(
        "EVAL_RESULTS", field, field + ": " + value + " (expected: " + expected + ")");
  }
}
