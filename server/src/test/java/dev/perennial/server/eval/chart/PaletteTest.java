package dev.perennial.server.eval.chart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;

class PaletteTest {
  /** WCAG 2.2: text 1.4.3, graphics 1.4.11. */
  private static final double TEXT = 4.5;

  private static final double GRAPHICS = 3;

  @Test
  void scales_everyStep_carryReadableText() {
    for (List<Rgb> scale : Palette.scales()) {
      for (int i = 0; i <= Palette.STEPS; i++) {
        Rgb colour = Palette.at(scale, (double) i / Palette.STEPS);
        assertTrue(colour.contrast(colour.ink()) >= TEXT, colour.hex());
      }
    }
  }

  @Test
  void series_everyColour_standsOutFromItsPage() {
    Palette.LIGHT_SERIES.forEach(
        colour -> assertTrue(colour.contrast(Palette.LIGHT_PAGE) >= GRAPHICS, colour.hex()));
    Palette.DARK_SERIES.forEach(
        colour -> assertTrue(colour.contrast(Palette.DARK_PAGE) >= GRAPHICS, colour.hex()));
  }

  @Test
  void contrast_knownPairs_isThatOfTheStandard() {
    assertEquals(21, Rgb.BLACK.contrast(Rgb.WHITE), 1e-9);
    assertEquals(4.54, Rgb.of(0x767676).contrast(Rgb.WHITE), 0.005);
  }

  @Test
  void mix_endsAndMiddle_areInBetween() {
    Rgb blue = Rgb.of(0x0a3d7c);
    assertEquals("#0a3d7c", blue.mix(Rgb.WHITE, 0).hex());
    assertEquals("#ffffff", blue.mix(Rgb.WHITE, 1).hex());
    double middle = blue.mix(Rgb.WHITE, 0.5).contrast(Rgb.WHITE);
    assertTrue(middle > 1 && middle < blue.contrast(Rgb.WHITE));
  }

  @Test
  void sequentialAndDiverging_valuesBeyondTheScale_takeItsEnds() {
    assertEquals("a0", Palette.sequential(-5, 0, 100));
    assertEquals("a24", Palette.sequential(100, 0, 100));
    assertEquals("d12", Palette.diverging(0, 40));
    assertEquals("d0", Palette.diverging(-90, 40));
  }
}
