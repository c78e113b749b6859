package dev.perennial.server.task.store;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.perennial.server.task.TaskStore.Manifest;
import dev.perennial.server.task.TaskVersionFile;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A manifest as JSON: {@code {"sha256": .., "manifest": {"format": 1, "epoch": .., "tasks": {name:
 * {"active": id, "versions": [id, ..]}}}}}, the hash over the compact text of the inner object.
 * Pure functions.
 */
final class ManifestFile {
  private static final int FORMAT = 1;
  private static final Gson GSON = new GsonBuilder().disableHtmlEscaping().create();

  private ManifestFile() {}

  static byte[] write(Manifest manifest) {
    JsonObject body = body(manifest);
    JsonObject file = new JsonObject();
    file.addProperty("sha256", checksum(body));
    file.add("manifest", body);
    return GSON.toJson(file).getBytes(StandardCharsets.UTF_8);
  }

  private static JsonObject body(Manifest manifest) {
    JsonObject tasks = new JsonObject();
    manifest
        .versions()
        .forEach(
            (task, ids) -> {
              JsonArray versions = new JsonArray();
              ids.forEach(versions::add);
              JsonObject entry = new JsonObject();
              entry.addProperty("active", manifest.active().get(task));
              entry.add("versions", versions);
              tasks.add(task, entry);
            });
    JsonObject body = new JsonObject();
    body.addProperty("format", FORMAT);
    body.addProperty("epoch", manifest.epoch());
    body.add("tasks", tasks);
    return body;
  }

  private static String checksum(JsonObject body) {
    return TaskVersionFile.versionId(GSON.toJson(body).getBytes(StandardCharsets.UTF_8));
  }

  /** Throws IllegalArgumentException that says what is wrong. */
  static Manifest read(byte[] bytes) {
    try {
      JsonObject file =
          JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8)).getAsJsonObject();
      JsonObject body = field(file, "manifest").getAsJsonObject();
      String expected = field(file, "sha256").getAsString();
      if (!checksum(body).equals(expected)) {
        throw new IllegalArgumentException(
            "checksum: " + checksum(body) + " (expected: " + expected + ")");
      }
      return manifest(body);
    } catch (JsonParseException | IllegalStateException | UnsupportedOperationException e) {
      throw new IllegalArgumentException("JSON: " + e.getMessage(), e);
    }
  }

  private static Manifest manifest(JsonObject body) {
    int format = field(body, "format").getAsInt();
    if (format != FORMAT) {
      throw new IllegalArgumentException("format: " + format + " (expected: " + FORMAT + ")");
    }
    Map<String, String> active = new HashMap<>();
    Map<String, List<String>> versions = new HashMap<>();
    field(body, "tasks")
        .getAsJsonObject()
        .asMap()
        .forEach(
            (task, element) -> {
              JsonObject entry = element.getAsJsonObject();
              active.put(task, field(entry, "active").getAsString());
              List<String> ids = new ArrayList<>();
              field(entry, "versions").getAsJsonArray().forEach(id -> ids.add(id.getAsString()));
              versions.put(task, ids);
            });
    return new Manifest(field(body, "epoch").getAsLong(), active, versions);
  }

  private static JsonElement field(JsonObject object, String name) {
    JsonElement element = object.get(name);
    if (element == null) {
      throw new IllegalArgumentException(name + ": missing (expected: a value)");
    }
    return element;
  }
}
