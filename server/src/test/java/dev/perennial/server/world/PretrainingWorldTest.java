package dev.perennial.server.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.world.CaptionedScene.Kind;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PretrainingWorldTest {
  private static final List<CaptionedScene> SCENES =
      IntStream.range(0, 30_000)
          .mapToObj(i -> PretrainingWorld.any(SeededRandom.of(42, i), i % 3 == 0 ? .5 : 0))
          .toList();

  @Test
  void any_manyScenes_neverShowAHeldOutPair() {
    for (CaptionedScene scene : SCENES) {
      for (Figure figure : scene.scene().figures()) {
        Colour colour = nearest(figure.colour());
        assertFalse(HeldOut.contains(colour, figure.glyph()), () -> colour + " " + figure.glyph());
      }
    }
  }

  @Test
  void any_manyScenes_captionsNeverNameAHeldOutPair() {
    for (Glyph shape : Glyph.shapes()) {
      for (Colour colour : HeldOut.coloursOf(shape)) {
        String pair = " " + colour.word() + " " + shape.name() + " ";
        for (CaptionedScene scene : SCENES) {
          assertFalse((" " + scene.caption() + " ").contains(pair), scene::caption);
        }
      }
    }
  }

  @Test
  void heldOut_manyScenes_alwaysAHeldOutPair() {
    for (int i = 0; i < 1000; i++) {
      CaptionedScene scene = PretrainingWorld.heldOut(SeededRandom.of(1, i));
      Figure figure = scene.scene().figures().get(0);
      assertTrue(HeldOut.contains(scene.colour(), figure.glyph()));
      assertEquals(scene.colour(), nearest(figure.colour()));
    }
  }

  @Test
  void heldOut_allPairs_oneInTenOfEveryShape() {
    long pairs = Glyph.shapes().stream().mapToLong(shape -> HeldOut.coloursOf(shape).size()).sum();
    assertEquals(24, pairs);
    assertTrue(Glyph.shapes().stream().noneMatch(s -> HeldOut.coloursOf(s).isEmpty()));
  }

  @Test
  void any_manyScenes_wordsAreExactlyTheVocabulary() {
    Set<String> said = new HashSet<>();
    SCENES.forEach(scene -> said.addAll(Phrases.split(scene.caption())));
    assertEquals(new HashSet<>(Phrases.words()), said);
  }

  @Test
  void any_manyScenes_captionsFitWithoutCutting() {
    for (CaptionedScene scene : SCENES) {
      assertTrue(
          Phrases.split(scene.caption()).size() <= PretrainingWorld.MAX_WORDS, scene::caption);
    }
  }

  @Test
  void any_sameSeed_sameScene() {
    for (int i = 0; i < 100; i++) {
      assertEquals(
          PretrainingWorld.any(SeededRandom.of(8, i), .3),
          PretrainingWorld.any(SeededRandom.of(8, i), .3));
    }
    assertNotEquals(
        PretrainingWorld.any(SeededRandom.of(8, 0), 0),
        PretrainingWorld.any(SeededRandom.of(9, 0), 0));
  }

  @Test
  void any_onlyEasy_singleFiguresOnPlainGround() {
    for (int i = 0; i < 500; i++) {
      CaptionedScene scene = PretrainingWorld.any(SeededRandom.of(2, i), 1);
      assertEquals(Kind.SINGLE, scene.kind());
      assertEquals(Texture.PLAIN, scene.texture());
      Figure figure = scene.scene().figures().get(0);
      assertFalse(figure.outlined());
      assertTrue(figure.size() >= 8, figure::toString);
    }
  }

  @Test
  void any_groups_showAsManyAsTheCaptionSays() {
    for (CaptionedScene scene : SCENES) {
      if (scene.kind() == Kind.GROUP) {
        String number = PretrainingWorld.NUMBERS.get(scene.scene().figures().size());
        assertTrue(Phrases.split(scene.caption()).contains(number), scene::caption);
        assertEquals(scene.count(), scene.scene().figures().size());
      }
    }
  }

  @Test
  void any_pairs_relationHoldsInThePicture() {
    for (CaptionedScene scene : SCENES) {
      if (scene.kind() == Kind.PAIR) {
        Figure first = scene.scene().figures().get(0);
        Figure second = scene.scene().figures().get(1);
        String caption = scene.caption();
        boolean stacked = caption.contains(" above ") || caption.contains(" below ");
        boolean beside = caption.contains(" left of ") || caption.contains(" right of ");
        assertTrue(!stacked || second.y() > first.y() + 8, caption);
        assertTrue(!beside || second.x() > first.x() + 8, caption);
      }
    }
  }

  @Test
  void any_manyScenes_figureDiffersFromPlainGround() {
    for (CaptionedScene scene : SCENES) {
      if (scene.texture() == Texture.PLAIN) {
        for (Figure figure : scene.scene().figures()) {
          assertNotEquals(nearest(scene.scene().ground().first()), nearest(figure.colour()));
        }
      }
    }
  }

  private static Colour nearest(Rgb rgb) {
    Colour nearest = Colour.RED;
    for (Colour colour : Colour.ALL) {
      if (colour.rgb().distance(rgb) < nearest.rgb().distance(rgb)) {
        nearest = colour;
      }
    }
    return nearest;
  }
}
