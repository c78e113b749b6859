package dev.perennial.server.eval;

import dev.perennial.server.image.RgbImage;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;

/**
 * A PNG of pictures in rows, each with a few lines of caption beneath: what people would rather
 * look at than read.
 */
public final class ContactSheet {
  /** One picture with its caption. */
  public record Cell(RgbImage image, List<Line> caption) {}

  /** A line of caption in a colour (0xRRGGBB). */
  public record Line(String text, int rgb) {}

  /** A heading with the pictures under it. */
  public record Section(String heading, List<Cell> cells) {}

  public static final int BLACK = 0x202020;
  public static final int GREY = 0x707070;
  public static final int GREEN = 0x147814;
  public static final int RED = 0xb01414;

  private static final int BACKGROUND = 0xffffff;
  private static final int MARGIN = 12;

  private final int columns;
  private final int pictureSize;
  private final int captionLines;

  /**
   * An empty sheet's layout.
   *
   * @param columns pictures in a row
   * @param pictureSize edge in pixels that each picture is scaled to
   * @param captionLines lines under each picture
   */
  public ContactSheet(int columns, int pictureSize, int captionLines) {
    this.columns = columns;
    this.pictureSize = pictureSize;
    this.captionLines = captionLines;
  }

  /** Draws the sections and writes the PNG, replacing a file that is there. */
  public void write(Path file, List<Section> sections) throws IOException {
    ImageIO.write(draw(sections), "png", file.toFile());
  }

  BufferedImage draw(List<Section> sections) {
    int height = MARGIN;
    for (Section section : sections) {
      height += headingHeight() + rows(section) * rowHeight();
    }
    int width = MARGIN + columns * (pictureSize + MARGIN);
    BufferedImage sheet = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    fill(sheet);
    int top = MARGIN;
    for (Section section : sections) {
      PixelFont.draw(sheet, section.heading(), MARGIN, top, BLACK);
      top += headingHeight();
      for (int i = 0; i < section.cells().size(); i++) {
        int left = MARGIN + i % columns * (pictureSize + MARGIN);
        drawCell(sheet, section.cells().get(i), left, top + i / columns * rowHeight());
      }
      top += rows(section) * rowHeight();
    }
    return sheet;
  }

  private void drawCell(BufferedImage sheet, Cell cell, int left, int top) {
    RgbImage image = cell.image();
    for (int y = 0; y < pictureSize; y++) {
      int sourceY = y * image.height() / pictureSize;
      for (int x = 0; x < pictureSize; x++) {
        int at = (sourceY * image.width() + x * image.width() / pictureSize) * 3;
        byte[] rgb = image.rgb();
        sheet.setRGB(
            left + x,
            top + y,
            ((rgb[at] & 0xff) << 16) | ((rgb[at + 1] & 0xff) << 8) | (rgb[at + 2] & 0xff));
      }
    }
    int longest = (pictureSize + MARGIN) / PixelFont.CELL_WIDTH;
    for (int i = 0; i < Math.min(captionLines, cell.caption().size()); i++) {
      Line line = cell.caption().get(i);
      String text = line.text();
      PixelFont.draw(
          sheet,
          text.length() <= longest ? text : text.substring(0, longest - 1) + "~",
          left,
          top + pictureSize + 3 + i * PixelFont.LINE_HEIGHT,
          line.rgb());
    }
  }

  private int rows(Section section) {
    return (section.cells().size() + columns - 1) / columns;
  }

  private int rowHeight() {
    return pictureSize + captionLines * PixelFont.LINE_HEIGHT + MARGIN;
  }

  private static int headingHeight() {
    return PixelFont.LINE_HEIGHT + MARGIN / 2;
  }

  private static void fill(BufferedImage sheet) {
    for (int y = 0; y < sheet.getHeight(); y++) {
      for (int x = 0; x < sheet.getWidth(); x++) {
        sheet.setRGB(x, y, BACKGROUND);
      }
    }
  }
}
