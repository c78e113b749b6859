package dev.perennial.server.pretraining;

import dev.perennial.server.world.SeededRandom;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Byte-pair merges (Sennrich et al. 2016) in CLIP's form, learned from a list of words until each
 * is one token. A word's last letter carries {@code </w>} and is merged last, so that of the tokens
 * of more than one letter exactly the words of the list end in {@code </w>}: any other word falls
 * into pieces. Words are of the letters a to z. Immutable.
 */
final class BytePairEncoding {
  static final String END_OF_WORD = "</w>";

  /** Two neighbouring tokens that become one. */
  record Merge(String left, String right) {
    String merged() {
      return left + right;
    }
  }

  private final List<Merge> merges;
  private final Map<Merge, Integer> ranks;

  private BytePairEncoding(List<Merge> merges) {
    this.merges = List.copyOf(merges);
    this.ranks = new HashMap<>();
    for (int i = 0; i < merges.size(); i++) {
      ranks.put(merges.get(i), i);
    }
  }

  /** Merges that make each word one token; the most frequent pair first, ties by the alphabet. */
  static BytePairEncoding learn(Collection<String> words) {
    List<List<String>> split =
        new ArrayList<>(words.stream().map(BytePairEncoding::symbols).toList());
    List<Merge> merges = new ArrayList<>();
    Set<Merge> known = new HashSet<>();
    for (Merge next = mostFrequent(split); next != null; next = mostFrequent(split)) {
      Merge merge = next;
      if (known.add(merge)) {
        merges.add(merge);
      }
      split.replaceAll(symbols -> apply(symbols, merge));
    }
    return new BytePairEncoding(merges);
  }

  List<Merge> merges() {
    return merges;
  }

  /** The word's tokens. */
  List<String> encode(String word) {
    return encode(word, null, 0);
  }

  /**
   * The word's tokens where each merge is left out with this probability (BPE-dropout, Provilkov et
   * al. 2020).
   */
  List<String> encode(String word, @Nullable SeededRandom random, double dropout) {
    List<String> symbols = symbols(word);
    while (true) {
      Merge best = null;
      for (int i = 1; i < symbols.size(); i++) {
        Merge merge = new Merge(symbols.get(i - 1), symbols.get(i));
        boolean dropped = random != null && random.chance(dropout);
        if (!dropped && ranks.containsKey(merge) && (best == null || rank(merge) < rank(best))) {
          best = merge;
        }
      }
      if (best == null) {
        return symbols;
      }
      symbols = apply(symbols, best);
    }
  }

  private int rank(Merge merge) {
    return ranks.getOrDefault(merge, Integer.MAX_VALUE);
  }

  private static List<String> symbols(String word) {
    List<String> symbols = new ArrayList<>();
    for (int i = 0; i < word.length(); i++) {
      symbols.add(word.substring(i, i + 1));
    }
    symbols.set(word.length() - 1, symbols.get(word.length() - 1) + END_OF_WORD);
    return symbols;
  }

  private static @Nullable Merge mostFrequent(List<List<String>> split) {
    Map<Merge, Integer> counts = new HashMap<>();
    for (List<String> symbols : split) {
      for (int i = 1; i < symbols.size(); i++) {
        boolean last = i == symbols.size() - 1;
        if (!last || symbols.size() == 2) {
          counts.merge(new Merge(symbols.get(i - 1), symbols.get(i)), 1, Integer::sum);
        }
      }
    }
    return counts.entrySet().stream()
        .max(
            Map.Entry.<Merge, Integer>comparingByValue()
                .thenComparing(entry -> entry.getKey().toString(), Comparator.reverseOrder()))
        .map(Map.Entry::getKey)
        .orElse(null);
  }

  private static List<String> apply(List<String> symbols, Merge merge) {
    List<String> merged = new ArrayList<>();
    for (int i = 0; i < symbols.size(); i++) {
      boolean pair =
          i + 1 < symbols.size()
              && symbols.get(i).equals(merge.left())
              && symbols.get(i + 1).equals(merge.right());
      merged.add(pair ? merge.merged() : symbols.get(i));
      i += pair ? 1 : 0;
    }
    return merged;
  }
}
