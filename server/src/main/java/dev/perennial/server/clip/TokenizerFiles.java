package dev.perennial.server.clip;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A model's tokenizer from its files: {@code tokenizer.json}, or else one built in memory from
 * {@code vocab.json} and {@code merges.txt} as transformers' CLIPTokenizerFast builds it (NFC,
 * white space collapsed, lower case, CLIP's split, byte-level BPE). OpenAI's own cleaning (ftfy,
 * HTML unescaped twice) is not done.
 *
 * <p>Special tokens are taken out of either: no text that a user writes may become one. Start and
 * end are added by {@link BytePairTokenizer}.
 *
 * @param definition a {@code tokenizer.json} without special tokens
 * @param wholeWords whether a word of several tokens is one that the model never saw
 */
record TokenizerFiles(String definition, Vocabulary vocabulary, boolean wholeWords) {
  static final String NAME = "tokenizer.json";
  private static final String VOCABULARY = "vocab.json";
  private static final String MERGES = "merges.txt";
  private static final String CONFIG = "tokenizer_config.json";

  /** Our own key: each word of pre-training is one token, so a word that splits is unknown. */
  private static final String WHOLE_WORDS = "perennial_whole_words";

  private static final String START_OF_TEXT = "<|startoftext|>";
  private static final String END_OF_TEXT = "<|endoftext|>";
  private static final String END_OF_WORD = "</w>";

  /** transformers, convert_slow_tokenizer.py, CLIPConverter. */
  private static final String SPLIT =
      "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

  /**
   * What ids there are.
   *
   * @param unknownId id of what is not in the vocabulary; -1 where there is no such token or
   *     nothing can be unknown
   */
  record Vocabulary(int startId, int endId, int highestId, int unknownId) {
    /** FAILED_PRECONDITION unless the model has an embedding for each id. */
    void checkFits(int vocabularySize) {
      if (highestId >= vocabularySize) {
        throw ModelFiles.unusable(
            "TOKENIZER",
            "highest id of the tokenizer: "
                + highestId
                + " (expected: below vocab_size, "
                + vocabularySize
                + ")");
      }
    }

    /** FAILED_PRECONDITION unless texts end with the id where the model reads. */
    void checkEnd(int expected) {
      if (endId != expected) {
        throw ModelFiles.unusable(
            "TOKENIZER",
            "id of the end of text: "
                + endId
                + " (expected: "
                + expected
                + ", where the model reads)");
      }
    }
  }

  static TokenizerFiles read(ModelFiles files) {
    JsonSection given = files.json(CONFIG);
    JsonSection config = given != null ? given : JsonSection.parse(CONFIG, "{}");
    JsonObject definition;
    if (files.has(NAME)) {
      definition = JsonSection.parse(NAME, files.text(NAME)).object();
    } else if (files.has(VOCABULARY) && files.has(MERGES)) {
      JsonObject vocabulary = JsonSection.parse(VOCABULARY, files.text(VOCABULARY)).object();
      definition =
          bytePairs(vocabulary, files.text(MERGES), special(config, "unk_token", END_OF_TEXT));
    } else {
      throw ModelFiles.unusable(
          "TOKENIZER",
          files.place()
              + ": no tokenizer (expected: "
              + NAME
              + ", or "
              + VOCABULARY
              + " and "
              + MERGES
              + ")");
    }
    Map<String, Integer> ids = ids(definition);
    Vocabulary vocabulary = vocabulary(config, ids, definition);
    definition.add("added_tokens", withoutSpecial(definition));
    for (String key : new String[] {"post_processor", "truncation", "padding"}) {
      definition.add(key, JsonNull.INSTANCE);
    }
    return new TokenizerFiles(definition.toString(), vocabulary, config.flag(WHOLE_WORDS, false));
  }

  Tokenizer tokenizer(int contextLength) {
    return new BytePairTokenizer(definition, vocabulary, wholeWords, contextLength);
  }

  private static Vocabulary vocabulary(
      JsonSection config, Map<String, Integer> ids, JsonObject definition) {
    int unknown = -1;
    if (definition.get("model").getAsJsonObject().get("unk_token") instanceof JsonPrimitive token
        && !ids.keySet().containsAll(byteSymbols())) {
      unknown = ids.getOrDefault(token.getAsString(), -1);
    }
    return new Vocabulary(
        id(ids, special(config, "bos_token", START_OF_TEXT)),
        id(ids, special(config, "eos_token", END_OF_TEXT)),
        ids.values().stream().mapToInt(Integer::intValue).max().orElse(-1),
        unknown);
  }

  /** A token of the config: its text, or an object with its content. */
  private static String special(JsonSection config, String key, String absent) {
    JsonElement element = config.find(key);
    if (element != null && element.isJsonObject()) {
      JsonSection token = config.section(key);
      return token == null ? absent : token.text("content", absent);
    }
    return config.text(key, absent);
  }

  private static int id(Map<String, Integer> ids, String token) {
    Integer id = ids.get(token);
    if (id == null) {
      throw ModelFiles.unusable(
          "TOKENIZER", "token " + token + ": not in the vocabulary (expected: there)");
    }
    return id;
  }

  private static Map<String, Integer> ids(JsonObject definition) {
    JsonElement vocabulary =
        definition.get("model") instanceof JsonObject model ? model.get("vocab") : null;
    if (vocabulary == null || !vocabulary.isJsonObject()) {
      throw ModelFiles.unusable(
          "TOKENIZER", NAME + ": model.vocab: no object (expected: tokens to ids)");
    }
    Map<String, Integer> ids = new HashMap<>();
    try {
      vocabulary
          .getAsJsonObject()
          .entrySet()
          .forEach(e -> ids.put(e.getKey(), e.getValue().getAsInt()));
      for (JsonElement token : addedTokens(definition)) {
        JsonObject added = token.getAsJsonObject();
        ids.put(added.get("content").getAsString(), added.get("id").getAsInt());
      }
    } catch (RuntimeException e) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "TOKENIZER",
          "vocabulary: " + e.getMessage() + " (expected: tokens to ids)",
          e);
    }
    return ids;
  }

  private static JsonArray addedTokens(JsonObject definition) {
    return definition.get("added_tokens") instanceof JsonArray added ? added : new JsonArray();
  }

  private static JsonArray withoutSpecial(JsonObject definition) {
    JsonArray kept = new JsonArray();
    for (JsonElement token : addedTokens(definition)) {
      @Nullable JsonElement special = token.getAsJsonObject().get("special");
      if (special == null || !special.getAsBoolean()) {
        kept.add(token);
      }
    }
    return kept;
  }

  private static JsonObject bytePairs(JsonObject vocabulary, String merges, String unknown) {
    JsonObject model = new JsonObject();
    model.addProperty("type", "BPE");
    model.add("dropout", JsonNull.INSTANCE);
    model.addProperty("unk_token", unknown);
    model.addProperty("continuing_subword_prefix", "");
    model.addProperty("end_of_word_suffix", END_OF_WORD);
    model.addProperty("fuse_unk", false);
    model.addProperty("byte_fallback", false);
    model.add("vocab", vocabulary);
    JsonArray pairs = new JsonArray();
    merges
        .lines()
        .filter(line -> !line.isEmpty() && !line.startsWith("#version"))
        .forEach(pairs::add);
    model.add("merges", pairs);

    JsonObject definition = new JsonObject();
    definition.addProperty("version", "1.0");
    definition.add(
        "normalizer",
        sequence(
            "normalizers",
            object("NFC"),
            with(object("Replace"), "pattern", regex("\\s+"), "content", " "),
            object("Lowercase")));
    JsonObject split = with(object("Split"), "pattern", regex(SPLIT), "behavior", "Removed");
    split.addProperty("invert", true);
    JsonObject bytes = object("ByteLevel");
    bytes.addProperty("add_prefix_space", false);
    bytes.addProperty("trim_offsets", true);
    bytes.addProperty("use_regex", true);
    definition.add("pre_tokenizer", sequence("pretokenizers", split, bytes));
    definition.add("decoder", JsonNull.INSTANCE);
    definition.add("model", model);
    return definition;
  }

  private static JsonObject object(String type) {
    JsonObject object = new JsonObject();
    object.addProperty("type", type);
    return object;
  }

  private static JsonObject with(
      JsonObject object, String key, JsonObject value, String otherKey, String otherValue) {
    object.add(key, value);
    object.addProperty(otherKey, otherValue);
    return object;
  }

  private static JsonObject regex(String pattern) {
    JsonObject regex = new JsonObject();
    regex.addProperty("Regex", pattern);
    return regex;
  }

  private static JsonObject sequence(String key, JsonObject... parts) {
    JsonObject sequence = object("Sequence");
    JsonArray list = new JsonArray();
    for (JsonObject part : parts) {
      list.add(part);
    }
    sequence.add(key, list);
    return sequence;
  }

  /**
   * The characters that stand for the 256 bytes in a byte-level vocabulary (GPT-2's {@code
   * bytes_to_unicode}), inside a word and at its end: with all of them no word is unknown.
   */
  private static Set<String> byteSymbols() {
    int[] moved = {256};
    return IntStream.range(0, 256)
        .map(b -> (b >= 33 && b <= 126) || (b >= 161 && b != 173) ? b : moved[0]++)
        .mapToObj(Character::toString)
        .flatMap(symbol -> Stream.of(symbol, symbol + END_OF_WORD))
        .collect(Collectors.toSet());
  }
}
