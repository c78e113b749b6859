package dev.perennial.server.grpc;

import dev.perennial.server.error.ServingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.function.Function;
import java.util.function.Predicate;

/** Lists in pages. A token holds the key of the page's last element: nothing is kept for it. */
final class Pages {
  static final int DEFAULT_SIZE = 100;
  static final int MAX_SIZE = 1_000;

  private Pages() {}

  /** Some elements, and where the next page begins (empty on the last). */
  record Page<T>(List<T> elements, String nextToken) {}

  /**
   * @param all in the order of the list
   * @param key what the token holds of an element
   * @param after from a token's key, whether an element comes behind it
   */
  static <T> Page<T> page(
      List<T> all,
      int pageSize,
      String token,
      Function<T, String> key,
      Function<String, Predicate<T>> after) {
    int size = pageSize <= 0 ? (pageSize == 0 ? DEFAULT_SIZE : MAX_SIZE) : pageSize;
    List<T> rest = all;
    if (!token.isEmpty()) {
      Predicate<T> behind = after.apply(decode(token));
      rest = all.stream().filter(behind).toList();
    }
    int count = Math.min(Math.min(size, MAX_SIZE), rest.size());
    List<T> elements = rest.subList(0, count);
    boolean last = count == rest.size();
    return new Page<>(elements, last ? "" : encode(key.apply(elements.get(count - 1))));
  }

  static ServingException badToken() {
    return ServingException.invalid(
        "PAGE_TOKEN", "page_token", "page token: unknown (expected: one from the previous answer)");
  }

  private static String encode(String key) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(key.getBytes(StandardCharsets.UTF_8));
  }

  private static String decode(String token) {
    try {
      return new String(Base64.getUrlDecoder().decode(token), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw badToken();
    }
  }
}
