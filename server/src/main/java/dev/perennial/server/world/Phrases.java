package dev.perennial.server.world;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/** The fixed words of captions and prompts. */
public final class Phrases {
  /** What a picture calls itself; repeated ones are more likely. */
  static final List<String> MEDIA = List.of("photo", "photo", "photo", "picture", "image");

  /** What a picture of outlines calls itself. */
  static final List<String> LINE_MEDIA = List.of("sketch", "drawing", "outline");

  private static final List<String> FUNCTION_WORDS =
      List.of(
          "a an and at of on the above below background texture pattern thing objects".split(" "));
  private static final List<String> ADJECTIVES =
      List.of("handwritten", "printed", "small", "large");
  private static final List<String> NOUN_MARKERS = List.of("digit", "digits", "letter", "letters");

  private Phrases() {}

  /** Every word that pre-training ever uses, sorted. */
  public static List<String> words() {
    Set<String> words = new TreeSet<>();
    Stream.of(MEDIA, LINE_MEDIA, FUNCTION_WORDS, ADJECTIVES, NOUN_MARKERS).forEach(words::addAll);
    words.addAll(PretrainingWorld.NUMBERS.subList(1, PretrainingWorld.MAX_COUNT + 1));
    Colour.ALL.forEach(colour -> words.add(colour.word()));
    Texture.ALL.forEach(texture -> words.addAll(split(texture.phrase())));
    Position.ALL.forEach(position -> words.addAll(split(position.phrase())));
    Look.ALL.forEach(look -> words.addAll(split(look.adjective())));
    for (Glyph glyph : Glyph.all()) {
      words.addAll(split(glyph.noun()));
      words.addAll(split(glyph.pluralNoun()));
    }
    words.remove("");
    return List.copyOf(words);
  }

  /** {@code one thing}, {@code two objects} and so on. */
  public static String count(int count) {
    return PretrainingWorld.NUMBERS.get(count) + (count == 1 ? " thing" : " objects");
  }

  /** {@code "a "} or {@code "an "}. */
  static String article(String words) {
    return "aeiou".indexOf(words.charAt(0)) >= 0 ? "an " : "a ";
  }

  /**
   * The words with their article; half of the time {@code a} even before a vowel, because templates
   * such as {@code a photo of a {}} say so.
   */
  static String withLooseArticle(SeededRandom random, String words) {
    return (random.chance(.5) ? article(words) : "a ") + words;
  }

  /** The words of a caption. */
  public static List<String> split(String text) {
    return List.of(text.strip().split(" "));
  }
}
