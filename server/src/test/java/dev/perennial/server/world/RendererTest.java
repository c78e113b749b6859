package dev.perennial.server.world;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.Scene.Camera;
import dev.perennial.server.world.Scene.Ground;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RendererTest {
  private static final Rgb WHITE = Rgb.grey(1);
  private static final Rgb RED = Rgb.of(1, 0, 0);

  private final Renderer renderer = new Renderer();

  @Test
  void render_everyGlyph_neverChanges() {
    List<RgbImage> images = new ArrayList<>();
    for (Glyph glyph : Glyph.all()) {
      images.add(render(Figure.of(glyph, 16, 16, 12, RED)));
    }
    assertEquals("8d6f0e72b7dd115f", Fingerprints.of(images));
  }

  @Test
  void render_pretrainingScenes_neverChange() {
    List<RgbImage> images = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      images.add(renderer.render(PretrainingWorld.any(SeededRandom.of(3, i), 0).scene()));
    }
    assertEquals("48f7b4fb42b8dff1", Fingerprints.of(images));
  }

  @Test
  void render_sameSceneOnUsedCanvas_sameBytes() {
    Scene scene = PretrainingWorld.any(SeededRandom.of(9), 0).scene();
    byte[] first = new Renderer().render(scene).rgb();
    render(Figure.of(Glyph.named("star"), 10, 20, 9, RED));
    assertArrayEquals(first, renderer.render(scene).rgb());
  }

  @Test
  void render_circle_areaOfACircle() {
    double size = 10;
    RgbImage image = render(Figure.of(Glyph.named("circle"), 16, 16, size, RED));
    double area = 0;
    for (int pixel = 0; pixel < 32 * 32; pixel++) {
      area += 1 - green(image, pixel) / 255.0;
    }
    double radius = .95 * size; // of a polygon of 20 corners, so a little less
    assertEquals(Math.PI * radius * radius * .984, area, 3);
  }

  @Test
  void render_ring_holeShowsTheGround() {
    RgbImage image = render(Figure.of(Glyph.named("ring"), 16, 16, 12, RED));
    assertEquals(255, green(image, 16 * 32 + 16));
    assertEquals(0, green(image, 16 * 32 + 16 + 9));
  }

  @Test
  void render_outlinedSquare_insideShowsTheGround() {
    RgbImage image = render(Figure.of(Glyph.named("square"), 16, 16, 12, RED).withPen(1, true));
    assertEquals(255, green(image, 16 * 32 + 16));
    assertEquals(0, green(image, 16 * 32 + 6)); // its left side is at 16 - .8 * 12
  }

  @Test
  void render_rightArrowTurnedByQuarter_pointsDown() {
    Figure arrow = Figure.of(Glyph.named("arrow"), 16, 16, 12, RED);
    RgbImage right = render(arrow);
    RgbImage down = render(arrow.turned(Math.PI / 2));
    assertEquals(0, green(right, 16 * 32 + 25));
    assertEquals(255, green(right, 25 * 32 + 16));
    assertEquals(0, green(down, 25 * 32 + 16));
    assertEquals(255, green(down, 16 * 32 + 25));
  }

  @Test
  void render_laterFigure_inFront() {
    Figure back = Figure.of(Glyph.named("square"), 16, 16, 12, RED);
    Figure front = Figure.of(Glyph.named("square"), 16, 16, 6, Rgb.of(0, 1, 0));
    Scene scene = new Scene(Ground.plain(WHITE), List.of(back, front), Camera.CLEAR, 1);
    RgbImage image = renderer.render(scene);
    assertEquals(255, green(image, 16 * 32 + 16));
    assertEquals(0, green(image, 16 * 32 + 8));
  }

  @Test
  void render_grain_spreadIsAsStated() {
    Scene scene = new Scene(Ground.plain(Rgb.grey(.5)), List.of(), Camera.CLEAR.withGrain(.1), 4);
    byte[] rgb = renderer.render(scene).rgb();
    double squares = 0;
    for (byte value : rgb) {
      double deviation = (value & 0xff) / 255.0 - .5;
      squares += deviation * deviation;
    }
    assertEquals(.1, Math.sqrt(squares / rgb.length), .005);
  }

  @Test
  void render_darkLight_scalesThePixels() {
    Scene scene =
        new Scene(Ground.plain(WHITE), List.of(), Camera.CLEAR.withLight(Rgb.grey(.4)), 4);
    assertEquals(102, green(renderer.render(scene), 0));
  }

  @Test
  void render_otherNoiseSeed_otherGrain() {
    Ground ground = Ground.plain(Rgb.grey(.5));
    Camera camera = Camera.CLEAR.withGrain(.1);
    RgbImage one = renderer.render(new Scene(ground, List.of(), camera, 1));
    RgbImage two = renderer.render(new Scene(ground, List.of(), camera, 2));
    assertNotEquals(Fingerprints.of(List.of(one)), Fingerprints.of(List.of(two)));
  }

  @Test
  void share_stripes_runTheWayTheyAreCalled() {
    float here = Texture.HORIZONTAL_STRIPES.share(0, 1, 6, 0, 0);
    assertEquals(here, Texture.HORIZONTAL_STRIPES.share(2.9f, 1, 6, 0, 0));
    assertNotEquals(here, Texture.HORIZONTAL_STRIPES.share(0, 4, 6, 0, 0));
    float there = Texture.VERTICAL_STRIPES.share(1, 0, 6, 0, 0);
    assertEquals(there, Texture.VERTICAL_STRIPES.share(1, 2.9f, 6, 0, 0));
    assertNotEquals(there, Texture.VERTICAL_STRIPES.share(4, 0, 6, 0, 0));
  }

  private RgbImage render(Figure figure) {
    return renderer.render(new Scene(Ground.plain(WHITE), List.of(figure), Camera.CLEAR, 1));
  }

  private static int green(RgbImage image, int pixel) {
    return image.rgb()[3 * pixel + 1] & 0xff;
  }
}
