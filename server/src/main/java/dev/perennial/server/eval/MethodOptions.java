package dev.perennial.server.eval;

import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A method's hyper-parameters as text: each is read once by its name, with a default and bounds. Of
 * a row's own options, what nobody read is unknown, and refused; those that are common to all rows
 * are for the methods that know them. Used by one thread.
 */
public final class MethodOptions {
  private final String method;
  private final Map<String, String> own;
  private final Map<String, String> common;
  private final Map<String, String> resolved = new TreeMap<>();

  /** Options of a row alone. */
  public MethodOptions(String method, Map<String, String> own) {
    this(method, own, Map.of());
  }

  /**
   * Options of a row.
   *
   * @param own come before the common ones
   */
  MethodOptions(String method, Map<String, String> own, Map<String, String> common) {
    this.method = method;
    this.own = new TreeMap<>(own);
    this.common = Map.copyOf(common);
  }

  private @Nullable String read(String name) {
    String text = own.remove(name);
    return text == null ? common.get(name) : text;
  }

  /** An integer of at least 1. */
  public int count(String name, int otherwise) {
    Integer value = count(name);
    return value == null ? resolve(name, otherwise) : value;
  }

  /** The same, null where it is left open. */
  public @Nullable Integer count(String name) {
    String text = read(name);
    if (text == null) {
      return null;
    }
    try {
      int value = Integer.parseInt(text);
      if (value >= 1) {
        return resolve(name, value);
      }
    } catch (NumberFormatException e) {
      throw wrong(name, text, "an integer of at least 1");
    }
    throw wrong(name, text, "an integer of at least 1");
  }

  /** A number in [least, most]. */
  public double number(String name, double otherwise, double least, double most) {
    Double value = number(name, least, most);
    return value == null ? resolve(name, otherwise) : value;
  }

  /** The same, null where it is left open. */
  public @Nullable Double number(String name, double least, double most) {
    String text = read(name);
    if (text == null) {
      return null;
    }
    String expected = least + ".." + most;
    try {
      double value = Double.parseDouble(text);
      if (value >= least && value <= most) {
        return resolve(name, value);
      }
    } catch (NumberFormatException e) {
      throw wrong(name, text, expected);
    }
    throw wrong(name, text, expected);
  }

  /** Any text. */
  public String text(String name, String otherwise) {
    String text = read(name);
    return resolve(name, text == null ? otherwise : text);
  }

  /** One of an enum's names, in small letters with '-'. */
  public <E extends Enum<E>> E choice(String name, Class<E> type, E otherwise) {
    String text = read(name);
    E[] values = type.getEnumConstants();
    List<String> names = new ArrayList<>();
    for (E value : values) {
      names.add(text(value));
      if (text(value).equals(text)) {
        resolved.put(name, text);
        return value;
      }
    }
    if (text != null) {
      throw wrong(name, text, "one of " + names);
    }
    resolved.put(name, text(otherwise));
    return otherwise;
  }

  /** An enum as it is written in options and reports. */
  static String text(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private <T> T resolve(String name, T value) {
    resolved.put(name, value.toString());
    return value;
  }

  /** Throws INVALID_ARGUMENT where something was given that nobody read. */
  public void requireAllRead() {
    if (!own.isEmpty()) {
      String name = own.keySet().iterator().next();
      throw wrong(name, own.get(name), "one of " + resolved.keySet());
    }
  }

  /** What was read, defaults filled in, for reports. */
  public Map<String, String> resolved() {
    return Collections.unmodifiableMap(new TreeMap<>(resolved));
  }

  private ServingException wrong(String name, @Nullable String value, String expected) {
    return ServingException.invalid(
        "METHOD_OPTION",
        "methods",
        "%s: %s=%s (expected: %s)".formatted(method, name, value, expected));
  }
}
