package dev.perennial.server.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BlowTest {
  private static final Set<Kind> ALL = EnumSet.allOf(Kind.class);

  private static int count(List<Blow> blows, Kind kind) {
    return blows.stream().mapToInt(blow -> blow.kind() == kind ? 1 : 0).sum();
  }

  @Test
  void schedule_sameSeed_sameBlows() {
    assertEquals(Blow.schedule(3, 100, 7, ALL), Blow.schedule(3, 100, 7, ALL));
    assertNotEquals(Blow.schedule(3, 100, 7, ALL), Blow.schedule(3, 100, 8, ALL));
  }

  @Test
  void schedule_hundred_eachKindItsShare() {
    List<Blow> blows = Blow.schedule(3, 100, 1, ALL);
    int shares = ALL.stream().mapToInt(Kind::share).sum();
    assertEquals(100, blows.size());
    for (Kind kind : Kind.values()) {
      assertEquals(100.0 * kind.share() / shares, count(blows, kind), 1.5, kind.key());
    }
    for (int i = 0; i < 100; i++) {
      Blow blow = blows.get(i);
      assertEquals(i + 1, blow.number());
      assertTrue(blow.victim() < 3 && blow.target() < 3, blow::toString);
      assertTrue(blow.moment() >= 0 && blow.moment() < 1, blow::toString);
    }
  }

  @Test
  void schedule_asManyAsKinds_oneOfEach() {
    List<Blow> blows = Blow.schedule(3, Kind.values().length, 1, ALL);
    for (Kind kind : Kind.values()) {
      assertEquals(1, count(blows, kind), kind.key());
    }
    assertEquals(4, Blow.schedule(2, 4, 1, Set.of(Kind.DELETE)).size());
  }
}
