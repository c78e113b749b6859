package dev.perennial.server.clip;

import dev.perennial.server.error.ServingException;
import java.util.List;

/**
 * Texts as the text tower takes them: a matrix of ids, cut after the last end of text of them all,
 * and each text's end. The tower is causal, so what comes after an end changes nothing: rows are
 * filled up with zeros.
 *
 * @param tokens (K, N) row by row
 * @param ends (K): the place of each text's end, whose features are read
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record Texts(long[] tokens, int[] ends, int count, int length) {
  static Texts of(List<int[]> texts, ClipConfig config) {
    int[] ends = new int[texts.size()];
    int length = 0;
    for (int i = 0; i < ends.length; i++) {
      ends[i] = end(texts.get(i), config);
      length = Math.max(length, ends[i] + 1);
    }
    if (length > config.contextLength()) {
      throw ServingException.invalid(
          "TEXT_TOO_LONG",
          "tokens",
          "tokens: " + length + " (expected: at most " + config.contextLength() + ")");
    }
    long[] tokens = new long[Math.multiplyExact(ends.length, length)];
    for (int i = 0; i < ends.length; i++) {
      int[] text = texts.get(i);
      for (int j = 0; j <= ends[i]; j++) {
        if (text[j] < 0 || text[j] >= config.vocabularySize()) {
          throw ServingException.invalid(
              "UNKNOWN_TOKEN",
              "tokens",
              "token: " + text[j] + " (expected: 0.." + (config.vocabularySize() - 1) + ")");
        }
        tokens[i * length + j] = text[j];
      }
    }
    return new Texts(tokens, ends, ends.length, length);
  }

  /** Where Hugging Face's CLIPTextTransformer reads: the first highest id, or the first end. */
  private static int end(int[] text, ClipConfig config) {
    int end = -1;
    for (int j = 0; j < text.length; j++) {
      if (config.endOfTextIsHighestId()) {
        if (end < 0 || text[j] > text[end]) {
          end = j;
        }
      } else if (end < 0 && text[j] == config.endOfTextId()) {
        end = j;
      }
    }
    if (end < 0) {
      throw ServingException.invalid(
          "NO_END_OF_TEXT",
          "tokens",
          "text: no end of text (expected: " + config.endOfTextId() + ")");
    }
    return end;
  }
}
