package dev.perennial.server.pretraining;

import dev.perennial.server.pretraining.BytePairEncoding.Merge;
import dev.perennial.server.world.Phrases;
import dev.perennial.server.world.SeededRandom;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of the built-in model in CLIP's order: 256 byte symbols, the same with {@code </w>},
 * the merges, start of text, end of text. Each word of the world is one token. Its own encoder
 * covers the world's captions only (lower-case words, single spaces); whoever serves the model uses
 * the full tokenizer, and both agree on captions. Immutable; safe for any thread.
 */
final class Vocabulary {
  static final String START_OF_TEXT = "<|startoftext|>";
  static final String END_OF_TEXT = "<|endoftext|>";

  /** Positions of the built-in model's text tower. */
  static final int CONTEXT_LENGTH = 32;

  /** Chance that a merge is left out while a word is spelled in pieces. */
  private static final double MERGE_DROPOUT = .5;

  private static final int BYTES = 256;

  private final List<String> words = Phrases.words();
  private final BytePairEncoding encoding = BytePairEncoding.learn(words);
  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final Map<String, int[]> wordIds = new HashMap<>();

  Vocabulary() {
    List<String> alphabet = byteSymbols();
    alphabet.forEach(this::add);
    alphabet.forEach(symbol -> add(symbol + BytePairEncoding.END_OF_WORD));
    encoding.merges().forEach(merge -> add(merge.merged()));
    add(START_OF_TEXT);
    add(END_OF_TEXT);
    words.forEach(word -> wordIds.put(word, idsOf(encoding.encode(word))));
  }

  private void add(String token) {
    ids.putIfAbsent(token, ids.size());
  }

  /** Every word that the model sees in pre-training, sorted. */
  List<String> words() {
    return words;
  }

  /** Token to id, in the order of the ids. */
  Map<String, Integer> ids() {
    return Collections.unmodifiableMap(ids);
  }

  List<Merge> merges() {
    return encoding.merges();
  }

  int size() {
    return ids.size();
  }

  int startOfTextId() {
    return size() - 2;
  }

  int endOfTextId() {
    return size() - 1;
  }

  /** Start, caption, end. */
  int[] encode(String caption) {
    return encode(caption, null, 0);
  }

  /**
   * Start, caption, end, cut to the context length with the end kept.
   *
   * @param piecesShare share of words that are spelled in pieces, so that pieces get a meaning too
   */
  int[] encode(String caption, @Nullable SeededRandom random, double piecesShare) {
    List<Integer> tokens = new ArrayList<>();
    tokens.add(startOfTextId());
    for (String word : Phrases.split(caption)) {
      for (int id : tokensOf(word, random, piecesShare)) {
        tokens.add(id);
      }
    }
    List<Integer> kept = tokens.subList(0, Math.min(tokens.size(), CONTEXT_LENGTH - 1));
    int[] encoded = new int[kept.size() + 1];
    for (int i = 0; i < kept.size(); i++) {
      encoded[i] = kept.get(i);
    }
    encoded[kept.size()] = endOfTextId();
    return encoded;
  }

  private int[] tokensOf(String word, @Nullable SeededRandom random, double piecesShare) {
    if (random != null && random.chance(piecesShare)) {
      return idsOf(encoding.encode(word, random, MERGE_DROPOUT));
    }
    int[] known = wordIds.get(word);
    return known != null ? known : idsOf(encoding.encode(word));
  }

  private int[] idsOf(List<String> tokens) {
    return tokens.stream().mapToInt(this::idOf).toArray();
  }

  private int idOf(String token) {
    Integer id = ids.get(token);
    if (id == null) {
      throw new IllegalArgumentException("token: " + token + " (expected: one of the vocabulary)");
    }
    return id;
  }

  /**
   * GPT-2's printable stand-ins for the 256 bytes: first the printable ones of Latin-1 as
   * themselves, then the others as U+0100 and on.
   */
  private static List<String> byteSymbols() {
    List<String> printable = new ArrayList<>();
    List<String> shifted = new ArrayList<>();
    for (int value = 0; value < BYTES; value++) {
      boolean shown =
          (value >= '!' && value <= '~')
              || (value >= 0xa1 && value <= 0xac)
              || (value >= 0xae && value <= 0xff);
      if (shown) {
        printable.add(Character.toString(value));
      } else {
        shifted.add(Character.toString(BYTES + shifted.size()));
      }
    }
    printable.addAll(shifted);
    return printable;
  }
}
