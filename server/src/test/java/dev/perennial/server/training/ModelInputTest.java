package dev.perennial.server.training;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.image.Preprocessing;
import dev.perennial.server.image.RgbImage;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Objects;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class ModelInputTest {

  private static final Preprocessing PREPROCESSING =
      new Preprocessing(4, 4, new float[] {0.5f, 0.5f, 0.5f}, new float[] {0.25f, 0.25f, 0.25f});

  private final ModelInput input =
      new ModelInput(new ImageDecoder(new ImageDecoder.Limits(64, 1_000)), PREPROCESSING);

  @Test
  void pixels_threeFormsOfOnePicture_agree() throws IOException {
    byte[] rgb = new byte[5 * 6 * 3];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 37);
    }
    float[] raw = input.pixels(new ExampleImage.Raw(new RgbImage(5, 6, rgb)));
    float[] encoded = input.pixels(new ExampleImage.Encoded(png(5, 6, rgb)));
    float[] ready = input.pixels(new ExampleImage.Pixels(raw));
    assertArrayEquals(raw, encoded);
    assertArrayEquals(raw, ready);
    assertNotSame(raw, ready);
    assertEquals(3 * 4 * 4, raw.length);
  }

  @Test
  void fault_goodPictures_none() throws IOException {
    assertNull(input.fault(new ExampleImage.Encoded(png(1, 1, new byte[3]))));
    assertNull(input.fault(new ExampleImage.Raw(new RgbImage(1, 1, new byte[3]))));
    assertNull(input.fault(new ExampleImage.Raw(new RgbImage(1, 50, new byte[150]))));
    assertNull(input.fault(new ExampleImage.Pixels(new float[48])));
  }

  @Test
  void fault_notAPicture_namesTheField() throws IOException {
    assertFault("example.image.encoded", new ExampleImage.Encoded(new byte[0]));
    assertFault("example.image.encoded", new ExampleImage.Encoded("text".getBytes(UTF_8)));
    byte[] whole = png(5, 6, new byte[90]);
    assertFault("example.image.encoded", new ExampleImage.Encoded(Arrays.copyOf(whole, 50)));
    byte[] large = png(65, 1, new byte[195]); // above the limit of 64
    assertFault("example.image.encoded", new ExampleImage.Encoded(large));
  }

  @Test
  void fault_wrongTensor_namesTheField() {
    assertFault("example.image.pixels.values", new ExampleImage.Pixels(new float[47]));
    for (float value : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
      float[] values = new float[48];
      values[13] = value;
      assertFault("example.image.pixels.values[13]", new ExampleImage.Pixels(values));
    }
  }

  private void assertFault(String field, ExampleImage image) {
    ServingException e = (ServingException) Objects.requireNonNull(input.fault(image));
    assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
    assertEquals(field, e.field());
  }

  private static byte[] png(int width, int height, byte[] rgb) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
    for (int i = 0; i < width * height; i++) {
      int value = (rgb[3 * i] & 255) << 16 | (rgb[3 * i + 1] & 255) << 8 | (rgb[3 * i + 2] & 255);
      image.setRGB(i % width, i / width, value);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "png", bytes);
    return bytes.toByteArray();
  }
}
