package dev.perennial.server.chaos;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;

/**
 * What is done to the cluster at one time. Immutable.
 *
 * @param number of the blow, from 1
 * @param victim which member is hit
 * @param target at which member the change is made that is hit
 * @param moment when, in [0, 1) of the time that the change may take
 */
record Blow(int number, Kind kind, int victim, int target, double moment) {
  /** A run's blows: the same for the same arguments. Each kind gets its share, in any order. */
  static List<Blow> schedule(int members, int kills, long seed, Set<Kind> kinds) {
    Random random = new Random(seed);
    List<Kind> order = new ArrayList<>();
    counts(kills, kinds).forEach((kind, count) -> order.addAll(Collections.nCopies(count, kind)));
    Collections.shuffle(order, random);
    List<Blow> blows = new ArrayList<>();
    for (Kind kind : order) {
      blows.add(
          new Blow(
              blows.size() + 1,
              kind,
              random.nextInt(members),
              random.nextInt(members),
              random.nextDouble()));
    }
    return blows;
  }

  /** One of each kind where there are enough; the others by shares and largest remainders. */
  private static Map<Kind, Integer> counts(int kills, Set<Kind> kinds) {
    int each = kills < kinds.size() ? 0 : 1;
    int shared = kills - each * kinds.size();
    int shares = kinds.stream().mapToInt(Kind::share).sum();
    Map<Kind, Integer> counts = new EnumMap<>(Kind.class);
    kinds.forEach(kind -> counts.put(kind, each + shared * kind.share() / shares));
    int left = kills - counts.values().stream().mapToInt(Integer::intValue).sum();
    counts.keySet().stream()
        .sorted(Comparator.comparing((Kind kind) -> -(shared * kind.share() % shares)))
        .limit(left)
        .toList()
        .forEach(kind -> counts.merge(kind, 1, Integer::sum));
    return counts;
  }
}
