package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PagesTest {
  private static final List<String> NAMES =
      IntStream.range(0, 1_205).mapToObj(i -> String.format("name-%04d", i)).toList();

  private static Pages.Page<String> page(List<String> all, int size, String token) {
    return Pages.page(all, size, token, name -> name, key -> name -> name.compareTo(key) > 0);
  }

  @Test
  void page_followingTheTokens_seesEveryElementOnce() {
    List<String> seen = new ArrayList<>();
    String token = "";
    do {
      Pages.Page<String> page = page(NAMES, 7, token);
      seen.addAll(page.elements());
      token = page.nextToken();
    } while (!token.isEmpty());
    assertEquals(NAMES, seen);
  }

  @Test
  void page_elementOfTheTokenRemoved_goesOnBehindIt() {
    Pages.Page<String> first = page(NAMES, 3, "");
    List<String> without = NAMES.stream().filter(name -> !name.equals("name-0002")).toList();
    assertEquals("name-0003", page(without, 3, first.nextToken()).elements().get(0));
  }

  @Test
  void page_sizes_haveTheirDefaultAndBound() {
    assertEquals(100, page(NAMES, 0, "").elements().size());
    assertEquals(1_000, page(NAMES, 5_000, "").elements().size());
    assertEquals(1_000, page(NAMES, -1, "").elements().size());
    assertEquals("", page(List.of(), 10, "").nextToken());
  }

  @Test
  void page_foreignToken_isRefused() {
    assertThrows(ServingException.class, () -> page(NAMES, 10, "%%%"));
  }
}
