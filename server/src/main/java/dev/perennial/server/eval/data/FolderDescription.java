package dev.perennial.server.eval.data;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.ConstructNode;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.Tag;
import org.snakeyaml.engine.v2.schema.FailsafeSchema;

/**
 * What {@code perennial.yaml} says about a folder suite; everything in it is optional.
 *
 * <pre>
 * name: birds                    # of the suite, for reports
 * order: [garden, sea]           # of the tasks; without it, all folders by name
 * template: a photo of a {}.     # where a task has none
 * tasks:
 *   garden:
 *     template: a photo of a {}, a garden bird.
 *     classes:                   # in label order, folder: name that people say
 *       blue_tit: blue tit
 *       robin: European robin
 *   sea:
 *     classes: [gull, great_auk] # folders only: underscores are spoken as spaces
 * </pre>
 *
 * <p>All scalars are text, as in YAML 1.2's failsafe schema: a class may be called {@code no} or
 * {@code 007}. A key that is not known is refused, since it would be a misspelt one.
 *
 * @param name null where not said
 * @param order empty where not said
 */
record FolderDescription(
    @Nullable String name, List<String> order, String template, Map<String, Task> tasks) {
  static final String FILE = "perennial.yaml";
  private static final String DEFAULT_TEMPLATE = "a photo of a {}.";
  private static final int MAX_CHARACTERS = 16 << 20;

  /**
   * One task's.
   *
   * @param template null where the suite's holds
   * @param classes folder to name, in label order; empty where not said
   */
  record Task(@Nullable String template, Map<String, String> classes) {
    static final Task DEFAULT = new Task(null, Map.of());
  }

  /** Reads DIR/perennial.yaml; without that file, all defaults. */
  static FolderDescription read(Path folder) throws IOException {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      return new FolderDescription(null, List.of(), DEFAULT_TEMPLATE, Map.of());
    }
    LoadSettings settings =
        LoadSettings.builder()
            .setSchema(new TextSchema())
            .setAllowDuplicateKeys(false)
            .setCodePointLimit(MAX_CHARACTERS)
            .setLabel(file.toString())
            .build();
    try (Reader text = Files.newBufferedReader(file)) {
      Object root = new Load(settings).loadFromReader(text); // null where all is commented out
      return new Parser(file).description(root == null ? Map.of() : root);
    } catch (YamlEngineException e) {
      throw DataFaults.damaged(file, "not YAML: " + e.getMessage(), "a YAML file", e);
    }
  }

  /** Where tasks have no template of their own. */
  String templateOf(String task) {
    String own = tasks.getOrDefault(task, Task.DEFAULT).template();
    return own == null ? template : own;
  }

  /**
   * The failsafe schema, and nothing where a file has no document; the library's own fails there.
   */
  private static final class TextSchema extends FailsafeSchema {
    @Override
    public Map<Tag, ConstructNode> getSchemaTagConstructors() {
      return Map.of(Tag.NULL, node -> null);
    }
  }

  /** From the tree that YAML is to records; every message names the file and the key. */
  private record Parser(Path file) {
    FolderDescription description(Object root) {
      Map<String, Object> keys = map("the file", root);
      requireKnown("the file", keys, Set.of("name", "order", "template", "tasks"));
      Map<String, Task> tasks = new LinkedHashMap<>();
      map("tasks", orElse(keys.get("tasks"), Map.of()))
          .forEach((task, value) -> tasks.put(task, task("tasks." + task, value)));
      String template = optionalText("template", keys.get("template"));
      return new FolderDescription(
          optionalText("name", keys.get("name")),
          texts("order", orElse(keys.get("order"), List.of())),
          template == null ? DEFAULT_TEMPLATE : template,
          tasks);
    }

    private Task task(String key, @Nullable Object value) {
      Map<String, Object> keys = map(key, orElse(value, Map.of()));
      requireKnown(key, keys, Set.of("template", "classes"));
      return new Task(
          optionalText(key + ".template", keys.get("template")),
          classes(key + ".classes", orElse(keys.get("classes"), Map.of())));
    }

    private Map<String, String> classes(String key, Object value) {
      Map<String, String> classes = new LinkedHashMap<>();
      if (value instanceof List<?>) {
        for (String folder : texts(key, value)) {
          if (classes.put(folder, Split.spoken(folder)) != null) {
            throw wrong(key, folder + " twice", "each class once");
          }
        }
      } else {
        map(key, value).forEach((folder, name) -> classes.put(folder, text(key, name)));
      }
      return Collections.unmodifiableMap(classes);
    }

    private void requireKnown(String where, Map<String, Object> keys, Set<String> known) {
      for (String key : keys.keySet()) {
        if (!known.contains(key)) {
          throw wrong(where, "key " + key, "one of " + known.stream().sorted().toList());
        }
      }
    }

    private Map<String, Object> map(String key, @Nullable Object value) {
      if (!(value instanceof Map<?, ?> entries)) {
        throw wrong(key, String.valueOf(value), "a map");
      }
      Map<String, Object> map = new LinkedHashMap<>();
      entries.forEach((name, entry) -> map.put(text(key, name), entry));
      return map;
    }

    private List<String> texts(String key, Object value) {
      if (!(value instanceof List<?> entries)) {
        throw wrong(key, String.valueOf(value), "a list");
      }
      List<String> texts = new ArrayList<>();
      entries.forEach(entry -> texts.add(text(key, entry)));
      return texts;
    }

    /** A key without a value says nothing. */
    private static Object orElse(@Nullable Object value, Object other) {
      return value == null ? other : value;
    }

    private @Nullable String optionalText(String key, @Nullable Object value) {
      return value == null ? null : text(key, value);
    }

    private String text(String key, @Nullable Object value) {
      if (!(value instanceof String text) || text.isBlank()) {
        throw wrong(key, String.valueOf(value), "text");
      }
      return text;
    }

    private RuntimeException wrong(String key, String found, String expected) {
      return DataFaults.damaged(file, key + ": " + found, expected);
    }
  }
}
