package dev.perennial.server.clip;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TokenizerTest {
  private static final int START = 49_406;
  private static final int END = 49_407;
  private static final int CONTEXT = 77;

  @TempDir static Path clip;
  @TempDir Path small;

  /** CLIP's own vocabulary, once it is loaded. */
  private static Tokenizer tokenizer = LabelSetTest.TOKENIZER;

  @BeforeAll
  static void load() throws IOException {
    for (String file : List.of("vocab.json", "merges.txt")) {
      try (InputStream in = new GZIPInputStream(resource(file + ".gz"))) {
        Files.copy(in, clip.resolve(file));
      }
    }
    tokenizer = TokenizerFiles.read(ModelFiles.of(clip)).tokenizer(CONTEXT);
  }

  private static InputStream resource(String name) {
    return Objects.requireNonNull(
        TokenizerTest.class.getResourceAsStream("/golden/tokenizer/" + name));
  }

  @SuppressWarnings("ArrayRecordComponent") // compared with assertArrayEquals
  private record Golden(String text, int[] ids) {}

  private static List<Golden> golden() throws IOException {
    List<Golden> golden = new ArrayList<>();
    try (Reader in = new InputStreamReader(resource("texts.json"), StandardCharsets.UTF_8)) {
      for (JsonElement element : JsonParser.parseReader(in).getAsJsonArray()) {
        JsonObject object = element.getAsJsonObject();
        golden.add(
            new Golden(
                object.get("text").getAsString(),
                new Gson().fromJson(object.get("ids"), int[].class)));
      }
    }
    return golden;
  }

  @Test
  void encode_everyGoldenText_isTransformers() throws IOException {
    for (Golden golden : golden()) {
      assertArrayEquals(golden.ids, tokenizer.encode(golden.text), golden.text);
    }
  }

  @Test
  void encode_longText_keepsTheEnd() {
    int[] ids = tokenizer.encode("cat ".repeat(500));
    assertEquals(CONTEXT, ids.length);
    assertEquals(START, ids[0]);
    assertEquals(END, ids[CONTEXT - 1]);
    assertEquals(2368, ids[CONTEXT - 2]);
  }

  @Test
  void encode_specialTokensInText_areOrdinaryCharacters() {
    for (String text :
        List.of(
            "<|endoftext|>",
            "a <|endoftext|> cat",
            "<|startoftext|>cat<|endoftext|>",
            "<|ENDOFTEXT|>",
            "x<|endoftext|>y",
            "<|endoftext|></w>")) {
      int[] ids = tokenizer.encode(text);
      assertEquals(START, ids[0]);
      assertEquals(END, ids[ids.length - 1]);
      for (int i = 1; i < ids.length - 1; i++) {
        assertTrue(ids[i] < START, text + ": " + Arrays.toString(ids));
      }
      assertTrue(ids.length > 3, text);
    }
  }

  @Test
  void encode_strangeStrings_giveTokens() {
    for (String text : List.of("\ud83d", "\ude00x", "a\u0000b", "\uffff", "😀".repeat(200))) {
      int[] ids = tokenizer.encode(text);
      assertEquals(START, ids[0]);
      assertEquals(END, ids[ids.length - 1]);
    }
  }

  @Test
  void encode_tokenizerJson_givesTheSame() throws IOException {
    // As transformers saves it: special tokens, a post-processor and truncation included.
    JsonObject json =
        JsonParser.parseString(TokenizerFiles.read(ModelFiles.of(clip)).definition())
            .getAsJsonObject();
    json.add(
        "added_tokens",
        JsonParser.parseString(
            "[{\"id\":49406,\"content\":\"<|startoftext|>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":true,\"special\":true},"
                + "{\"id\":49407,\"content\":\"<|endoftext|>\",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,\"normalized\":false,\"special\":true}]"));
    json.add(
        "post_processor",
        JsonParser.parseString(
            "{\"type\":\"RobertaProcessing\",\"sep\":[\"<|endoftext|>\",49407],\"cls\":[\"<|startoftext|>\",49406],\"trim_offsets\":false,\"add_prefix_space\":false}"));
    json.add(
        "truncation",
        JsonParser.parseString(
            "{\"direction\":\"Right\",\"max_length\":5,\"strategy\":\"LongestFirst\",\"stride\":0}"));
    Files.writeString(small.resolve("tokenizer.json"), json.toString());

    Tokenizer other = TokenizerFiles.read(ModelFiles.of(small)).tokenizer(CONTEXT);

    for (Golden golden : golden()) {
      assertArrayEquals(golden.ids, other.encode(golden.text), golden.text);
    }
    assertArrayEquals(tokenizer.encode("a <|endoftext|> b"), other.encode("a <|endoftext|> b"));
  }

  @Test
  void encode_manyThreads_giveTheSame() throws IOException {
    List<Golden> golden = golden();
    List<Integer> wrong = Collections.synchronizedList(new ArrayList<>());
    IntStream.range(0, 2_000)
        .parallel()
        .forEach(
            i -> {
              Golden one = golden.get(i % golden.size());
              if (!Arrays.equals(one.ids, tokenizer.encode(one.text))) {
                wrong.add(i);
              }
            });
    assertEquals(List.of(), wrong);
  }

  @Test
  void unknownWords_clipsVocabulary_areNone() {
    assertEquals(List.of(), tokenizer.unknownWords("xyzzy 日本 😀"));
  }

  /** Letters of the alphabet, and "cat", "dog", "red" as whole words. */
  private Tokenizer tiny(String config) throws IOException {
    Path golden;
    try {
      golden =
          Path.of(
              Objects.requireNonNull(TokenizerTest.class.getResource("/golden/model/fp32"))
                  .toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
    for (String file : List.of("vocab.json", "merges.txt")) {
      Files.copy(golden.resolve(file), small.resolve(file));
    }
    Files.writeString(small.resolve("tokenizer_config.json"), config);
    return TokenizerFiles.read(ModelFiles.of(small)).tokenizer(10);
  }

  @Test
  void unknownWords_wholeWords_areThoseThatSplit() throws IOException {
    Tokenizer tiny = tiny("{\"perennial_whole_words\": true}");
    assertEquals(List.of(), tiny.unknownWords("Red  CAT a dog"));
    assertEquals(List.of("Cats", "blue"), tiny.unknownWords("red Cats  blue dog Cats"));
    assertEquals(List.of("é", "😀", "Bird"), tiny.unknownWords("é cat 😀 Bird red"));
    assertEquals(List.of(), tiny.unknownWords(""));
  }

  @Test
  void unknownWords_byteOutsideVocabulary_areThoseOnly() throws IOException {
    Tokenizer tiny = tiny("{\"eos_token\": {\"content\": \"<|endoftext|>\"}}");
    assertEquals(List.of("7", "é"), tiny.unknownWords("cats 7 é"));
  }

  @Test
  void encode_byteOutsideVocabulary_isLeftOutAndMovesNoEnd() throws IOException {
    Tokenizer tiny = tiny("{}");
    Map<?, ?> vocabulary =
        new Gson().fromJson(Files.readString(small.resolve("vocab.json")), Map.class);
    int cat = ((Number) Objects.requireNonNull(vocabulary.get("cat</w>"))).intValue();
    assertArrayEquals(new int[] {58, cat, cat, 59}, tiny.encode("cat 7 é cat"));
  }
}
