package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import dev.perennial.server.image.RgbImage;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ContactSheetTest {
  private static final RgbImage RED_PIXEL = new RgbImage(1, 1, new byte[] {(byte) 200, 10, 20});

  @Test
  void write_sections_makesAPngWithEveryPictureInItsPlace(@TempDir Path directory)
      throws IOException {
    Path file = directory.resolve("sheet.png");
    ContactSheet.Cell cell =
        new ContactSheet.Cell(
            RED_PIXEL, List.of(new ContactSheet.Line("circle", ContactSheet.GREEN)));
    new ContactSheet(3, 32, 1)
        .write(file, List.of(new ContactSheet.Section("Heading", List.of(cell, cell, cell, cell))));

    BufferedImage sheet = ImageIO.read(file.toFile());
    assertEquals(12 + 3 * 44, sheet.getWidth());
    int firstRow = 12 + 15;
    int secondRow = firstRow + 32 + 9 + 12;
    assertEquals(0xc80a14, sheet.getRGB(12, firstRow) & 0xffffff);
    assertEquals(0xc80a14, sheet.getRGB(12 + 2 * 44 + 31, firstRow + 31) & 0xffffff);
    assertEquals(0xc80a14, sheet.getRGB(12, secondRow) & 0xffffff);
    assertEquals(0xffffff, sheet.getRGB(12 + 44, secondRow) & 0xffffff);
  }

  @Test
  void draw_everyPrintableCharacter_looksDifferent() {
    List<List<Integer>> shapes =
        IntStream.range(' ', 127).mapToObj(c -> shape(Character.toString(c))).toList();
    assertEquals(shapes.size(), shapes.stream().distinct().count());
  }

  @Test
  void draw_characterOutsideAscii_isABox() {
    assertEquals(shape("\u00e9"), shape("\u4e2d"));
    assertNotEquals(shape("\u00e9"), shape(" "));
  }

  private static List<Integer> shape(String text) {
    BufferedImage cell = new BufferedImage(6, 9, BufferedImage.TYPE_INT_RGB);
    PixelFont.draw(cell, text, 0, 0, 0xffffff);
    return IntStream.range(0, 54).mapToObj(i -> cell.getRGB(i % 6, i / 6)).toList();
  }
}
