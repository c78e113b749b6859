package dev.perennial.server.clip;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.CharSpan;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.LongStream;

/**
 * Hugging Face's native tokenizer between a start and an end of text. Safe for any thread: the
 * native object is never changed. It is freed when this object is unreachable; encodings are copied
 * and freed at once.
 */
final class BytePairTokenizer implements Tokenizer {
  private static final Cleaner CLEANER = Cleaner.create();

  /** No special tokens, no cutting, no padding: that is done here. */
  private static final Map<String, String> OPTIONS =
      Map.of("addSpecialTokens", "false", "truncation", "false", "padding", "false");

  private final HuggingFaceTokenizer tokenizer;
  private final TokenizerFiles.Vocabulary vocabulary;
  private final boolean wholeWords;
  private final int contextLength;

  BytePairTokenizer(
      String definition,
      TokenizerFiles.Vocabulary vocabulary,
      boolean wholeWords,
      int contextLength) {
    this.vocabulary = vocabulary;
    this.wholeWords = wholeWords;
    this.contextLength = contextLength;
    HuggingFaceTokenizer loaded = load(definition);
    this.tokenizer = loaded;
    CLEANER.register(this, loaded::close);
  }

  private static HuggingFaceTokenizer load(String definition) {
    byte[] json = definition.getBytes(StandardCharsets.UTF_8);
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), OPTIONS);
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory", e);
    } catch (RuntimeException e) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "TOKENIZER",
          "tokenizer: "
              + e.getMessage()
              + " (expected: a definition that Hugging Face's tokenizers read)",
          e);
    }
  }

  @Override
  public int[] encode(String text) {
    // What is unknown may come as the end of text: only the end itself may be one.
    int[] ids =
        LongStream.of(encoding(text).getIds())
            .mapToInt(Math::toIntExact)
            .filter(id -> id != vocabulary.startId() && id != vocabulary.endId())
            .limit(contextLength - 2L)
            .toArray();
    int[] tokens = new int[ids.length + 2];
    tokens[0] = vocabulary.startId();
    System.arraycopy(ids, 0, tokens, 1, ids.length);
    tokens[tokens.length - 1] = vocabulary.endId();
    return tokens;
  }

  @Override
  public List<String> unknownWords(String text) {
    if (!wholeWords && vocabulary.unknownId() < 0) {
      return List.of();
    }
    Encoding encoding = encoding(text);
    long[] ids = encoding.getIds();
    long[] words = encoding.getWordIds();
    CharSpan[] spans = encoding.getCharTokenSpans();
    Set<String> unknown = new LinkedHashSet<>();
    for (int first = 0; first < ids.length; ) {
      int end = first + 1;
      while (end < ids.length && words[end] == words[first]) {
        end++;
      }
      boolean outside =
          LongStream.of(ids)
              .skip(first)
              .limit(end - first)
              .anyMatch(id -> id == vocabulary.unknownId());
      if (outside || (wholeWords && end - first > 1)) {
        unknown.add(part(text, spans[first].getStart(), spans[end - 1].getEnd()));
      }
      first = end;
    }
    return List.copyOf(unknown);
  }

  /** The native library counts in code points. */
  private static String part(String text, int start, int end) {
    int from = text.offsetByCodePoints(0, start);
    return text.substring(from, text.offsetByCodePoints(from, end - start));
  }

  private Encoding encoding(String text) {
    try {
      return tokenizer.encode(text, false, false);
    } finally {
      Reference.reachabilityFence(this);
    }
  }
}
