package dev.perennial.server.pretraining;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.world.SeededRandom;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class VocabularyTest {
  private static final List<String> UNKNOWN =
      List.of(
          "cat",
          "dog",
          "zebra",
          "dots",
          "bluish",
          "squarely",
          "redder",
          "circled",
          "ellipse",
          "io",
          "ed",
          "ing",
          "qq",
          "boxes",
          "hound");

  private final Vocabulary vocabulary = new Vocabulary();

  @Test
  void encode_everyWord_oneToken() {
    for (String word : vocabulary.words()) {
      assertEquals(3, vocabulary.encode(word).length, word);
    }
  }

  @Test
  void encode_everyWord_tokensDiffer() {
    Set<Integer> tokens = new HashSet<>();
    vocabulary.words().forEach(word -> tokens.add(vocabulary.encode(word)[1]));
    assertEquals(vocabulary.words().size(), tokens.size());
  }

  @Test
  void encode_unknownWords_fallIntoPiecesAndDiffer() {
    Set<List<Integer>> encodings = new HashSet<>();
    for (String word : UNKNOWN) {
      int[] tokens = vocabulary.encode(word);
      assertTrue(tokens.length > 3, word);
      encodings.add(Arrays.stream(tokens).boxed().toList());
    }
    assertEquals(UNKNOWN.size(), encodings.size());
  }

  @Test
  void ids_tokensThatEndAWord_areLettersOrWholeWords() {
    Set<String> words = new HashSet<>(vocabulary.words());
    for (String token : vocabulary.ids().keySet()) {
      if (token.endsWith(BytePairEncoding.END_OF_WORD)) {
        String word = token.substring(0, token.length() - BytePairEncoding.END_OF_WORD.length());
        assertTrue(word.length() == 1 || words.contains(word), token);
      }
    }
  }

  @Test
  void ids_order_isClips() {
    List<String> tokens = List.copyOf(vocabulary.ids().keySet());
    assertEquals("!", tokens.get(0));
    assertEquals("!</w>", tokens.get(256));
    assertEquals(vocabulary.merges().get(0).merged(), tokens.get(512));
    assertEquals(Vocabulary.START_OF_TEXT, tokens.get(vocabulary.startOfTextId()));
    assertEquals(Vocabulary.END_OF_TEXT, tokens.get(vocabulary.endOfTextId()));
    assertEquals(tokens.size() - 1, vocabulary.endOfTextId());
  }

  @Test
  void encode_pieces_spellTheSameLetters() {
    SeededRandom random = SeededRandom.of(4);
    List<String> tokens = List.copyOf(vocabulary.ids().keySet());
    int split = 0;
    for (int i = 0; i < 200; i++) {
      int[] ids = vocabulary.encode("checkered hexagon", random, 1);
      StringBuilder text = new StringBuilder();
      Arrays.stream(ids, 1, ids.length - 1).forEach(id -> text.append(tokens.get(id)));
      assertEquals("checkered</w>hexagon</w>", text.toString());
      split += ids.length > 4 ? 1 : 0;
    }
    assertTrue(split > 100, () -> "a word should often be split");
  }

  @Test
  void encode_noPieces_ignoresTheRandomNumbers() {
    assertArrayEquals(
        vocabulary.encode("a red star"), vocabulary.encode("a red star", SeededRandom.of(1), 0));
  }

  @Test
  void encode_tooLong_cutWithTheEndKept() {
    int[] tokens = vocabulary.encode("a ".repeat(100).strip());
    assertEquals(Vocabulary.CONTEXT_LENGTH, tokens.length);
    assertEquals(vocabulary.endOfTextId(), tokens[tokens.length - 1]);
  }
}
