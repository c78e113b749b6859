package dev.perennial.server.clip;

import java.util.List;

/** Text to token ids, with start and end of text. Safe for any thread. */
public interface Tokenizer {
  /** Start, text, end; no padding; cut to the context length with the end kept. */
  int[] encode(String text);

  /** The words of the text that the model never saw in training; empty for most models. */
  List<String> unknownWords(String text);
}
