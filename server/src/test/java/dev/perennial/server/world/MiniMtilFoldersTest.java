package dev.perennial.server.world;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.MiniMtilTask.Split;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MiniMtilFoldersTest {
  @Test
  void write_smallSet_filesHoldTheTasksPictures(@TempDir Path folder) throws IOException {
    AtomicLong written = new AtomicLong();
    MiniMtilFolders.Config config = new MiniMtilFolders.Config(folder, 2, 1, 9);
    MiniMtilFolders.write(config, written::incrementAndGet);
    assertEquals(config.pictureCount(), written.get());
    assertEquals(75 * 3, written.get());
    for (MiniMtilTask task : MiniMtil.tasks()) {
      Path taskFolder = folder.resolve(task.name());
      JsonObject json =
          JsonParser.parseString(Files.readString(taskFolder.resolve("task.json")))
              .getAsJsonObject();
      assertEquals(task.template(), json.get("template").getAsString());
      assertEquals(task.classNames().size(), json.getAsJsonArray("class_names").size());
      assertTrue(Files.size(folder.resolve(task.name() + ".png")) > 1000);
      for (LabelledImage image : task.images(Split.TEST, 1, 9)) {
        String className = task.classNames().get(image.classIndex());
        assertSamePixels(
            image.image(), taskFolder.resolve("test").resolve(className).resolve("0000.png"));
      }
      assertTrue(
          Files.exists(
              taskFolder.resolve("train").resolve(task.classNames().get(0)).resolve("0001.png")));
    }
  }

  @Test
  void config_noPictures_refused(@TempDir Path folder) {
    assertThrows(IllegalArgumentException.class, () -> new MiniMtilFolders.Config(folder, 0, 1, 1));
  }

  private static void assertSamePixels(RgbImage expected, Path file) throws IOException {
    BufferedImage actual = ImageIO.read(file.toFile());
    assertNotNull(actual, file.toString());
    for (int y = 0; y < expected.height(); y++) {
      for (int x = 0; x < expected.width(); x++) {
        int place = 3 * (y * expected.width() + x);
        int rgb = actual.getRGB(x, y);
        assertEquals(expected.rgb()[place] & 0xff, (rgb >> 16) & 0xff);
        assertEquals(expected.rgb()[place + 1] & 0xff, (rgb >> 8) & 0xff);
        assertEquals(expected.rgb()[place + 2] & 0xff, rgb & 0xff);
      }
    }
  }
}
