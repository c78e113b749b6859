package dev.perennial.server.task.store;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.TaskVersionFile;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/**
 * A manifest as JSON: {@code {"sha256": .., "manifest": {"format": 3, "epoch": .., "tasks": {name:
 * {id: stamp}}, "contributions": {name: {id: stamp}}, "forgotten": {id: stamp}}}}, the hash over
 * the compact text of the inner object. Pure functions.
 *
 * <p>Without contributions it is written in format 2, which has no such field.
 */
final class ManifestFile {
  private static final int FORMAT = 3;
  private static final int FORMAT_WITHOUT_CONTRIBUTIONS = 2;
  private static final int FORMAT_WITHOUT_STAMPS = 1;
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
    boolean plain = manifest.contributions().isEmpty();
    JsonObject body = new JsonObject();
    body.addProperty("format", plain ? FORMAT_WITHOUT_CONTRIBUTIONS : FORMAT);
    body.addProperty("epoch", manifest.epoch());
    body.add("tasks", files(manifest.tasks()));
    if (!plain) {
      body.add("contributions", files(manifest.contributions()));
    }
    body.add("forgotten", stamps(manifest.forgotten()));
    return body;
  }

  private static JsonObject files(Map<String, Map<String, Long>> files) {
    JsonObject object = new JsonObject();
    files.forEach((task, stamps) -> object.add(task, stamps(stamps)));
    return object;
  }

  private static JsonObject stamps(Map<String, Long> stamps) {
    JsonObject object = new JsonObject();
    stamps.forEach(object::addProperty);
    return object;
  }

  private static String checksum(JsonObject body) {
    return TaskVersionFile.versionId(GSON.toJson(body).getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Throws IllegalArgumentException that says what is wrong, FAILED_PRECONDITION where newer
   * software wrote it in another format: then no older copy may stand in.
   */
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
    if (format > FORMAT) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "NEWER_FORMAT",
          "format of the manifest: "
              + format
              + " (expected: 1.."
              + FORMAT
              + ", or newer software)");
    }
    if (format < FORMAT_WITHOUT_STAMPS) {
      throw new IllegalArgumentException("format: " + format + " (expected: 1.." + FORMAT + ")");
    }
    long epoch = field(body, "epoch").getAsLong();
    if (format == FORMAT_WITHOUT_STAMPS) {
      Map<String, Map<String, Long>> versions = new HashMap<>();
      field(body, "tasks")
          .getAsJsonObject()
          .asMap()
          .forEach((task, entry) -> versions.put(task, unstamped(entry.getAsJsonObject(), epoch)));
      return new Manifest(epoch, versions, Map.of());
    }
    return new Manifest(
        epoch,
        files(field(body, "tasks").getAsJsonObject()),
        format == FORMAT ? files(field(body, "contributions").getAsJsonObject()) : Map.of(),
        stamps(field(body, "forgotten").getAsJsonObject()));
  }

  private static Map<String, Map<String, Long>> files(JsonObject object) {
    Map<String, Map<String, Long>> files = new HashMap<>();
    object.asMap().forEach((task, stamps) -> files.put(task, stamps(stamps.getAsJsonObject())));
    return files;
  }

  private static Map<String, Long> stamps(JsonObject object) {
    Map<String, Long> stamps = new HashMap<>();
    object.asMap().forEach((id, stamp) -> stamps.put(id, stamp.getAsLong()));
    return stamps;
  }

  /**
   * Format 1 had {@code {"active": id, "versions": [id, ..]}}, newest first. Each of them took an
   * epoch, so that the last epochs, the active one's first, are stamps in the same order.
   */
  private static Map<String, Long> unstamped(JsonObject entry, long epoch) {
    Set<String> ids = new LinkedHashSet<>();
    ids.add(field(entry, "active").getAsString());
    field(entry, "versions").getAsJsonArray().forEach(id -> ids.add(id.getAsString()));
    Map<String, Long> stamps = new HashMap<>();
    for (String id : ids) {
      stamps.put(id, epoch - stamps.size());
    }
    return stamps;
  }

  private static JsonElement field(JsonObject object, String name) {
    JsonElement element = object.get(name);
    if (element == null) {
      throw new IllegalArgumentException(name + ": missing (expected: a value)");
    }
    return element;
  }
}
