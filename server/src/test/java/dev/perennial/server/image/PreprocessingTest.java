package dev.perennial.server.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class PreprocessingTest {
  private static Preprocessing clip(int resize, int crop) {
    return new Preprocessing(
        resize,
        crop,
        new float[] {(float) 0.48145466, (float) 0.4578275, (float) 0.40821073},
        new float[] {(float) 0.26862954, (float) 0.26130258, (float) 0.27577711});
  }

  private static Safetensors golden() throws IOException {
    return Safetensors.parse(
        ByteBuffer.wrap(ImageDecoderTest.resource("preprocessing.safetensors")));
  }

  static List<String> cases() throws IOException {
    return golden().tensors().keySet().stream()
        .filter(name -> name.endsWith("/picture"))
        .map(name -> name.substring(0, name.indexOf('/')))
        .toList();
  }

  private static byte[] bytes(TensorData tensor) {
    byte[] bytes = new byte[tensor.bytes().limit()];
    tensor.bytes().get(bytes);
    return bytes;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void pixels_anySize_areTransformersToTheBit(String name) throws IOException {
    List<String> parts = List.of(name.split("[x_]", -1));
    RgbImage image =
        new RgbImage(
            Integer.parseInt(parts.get(0)),
            Integer.parseInt(parts.get(1)),
            bytes(golden().tensor(name + "/picture")));
    Preprocessing preprocessing =
        clip(Integer.parseInt(parts.get(2)), Integer.parseInt(parts.get(3)));

    assertArrayEquals(bytes(golden().tensor(name + "/crop")), preprocessing.cropped(image));
    assertArrayEquals(
        golden().tensor(name + "/pixels").toFloats(), preprocessing.pixels(image), 0f);
  }

  @ParameterizedTest
  @CsvSource({"37,23,16,16", "23,37,20,16", "5,64,24,24", "90,70,9,13", "17,16,32,31", "2,1,8,8"})
  void cropped_randomPicture_isTheSlowTwins(int width, int height, int resize, int crop) {
    byte[] rgb = new byte[3 * width * height];
    new Random(width).nextBytes(rgb);
    RgbImage image = new RgbImage(width, height, rgb);
    int shortSide = Math.min(width, height);
    int newWidth = resize * width / shortSide;
    int newHeight = resize * height / shortSide;
    RgbImage resized = PillowTwin.resize(image, newWidth, newHeight);
    byte[] expected = new byte[3 * crop * crop];
    for (int y = 0; y < crop; y++) {
      for (int x = 0; x < 3 * crop; x++) {
        int sourceY = y + Math.floorDiv(newHeight - crop, 2);
        int sourceX = x + 3 * Math.floorDiv(newWidth - crop, 2);
        if (sourceY >= 0 && sourceY < newHeight && sourceX >= 0 && sourceX < 3 * newWidth) {
          expected[3 * crop * y + x] = resized.rgb()[3 * newWidth * sourceY + sourceX];
        }
      }
    }

    assertArrayEquals(expected, clip(resize, crop).cropped(image));
  }

  @ParameterizedTest
  @CsvSource({"16384,1", "1,16384", "16384,400", "400,16384"})
  void pixels_extremePicture_needsLittleMemory(int width, int height) {
    RgbImage image = new RgbImage(width, height, new byte[3 * width * height]);
    Preprocessing preprocessing = clip(256, 256);
    preprocessing.pixels(image); // coefficients are cached
    var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = threads.getCurrentThreadAllocatedBytes();

    preprocessing.pixels(image);

    // The crop as bytes (twice), sums and floats, a block of 64 source rows no wider than twice the
    // short side, and 1 MiB for what the JVM does once. Resized as a whole, the narrow pictures
    // would take 3 GiB.
    long expected = 3L * 256 * 256 * (2 + 4 + 4) + 3L * 4 * 64 * 800 + (1 << 20);
    long allocated = threads.getCurrentThreadAllocatedBytes() - before;
    assertTrue(allocated < expected, allocated + " bytes (expected: below " + expected + ")");
  }

  @Test
  void checked_goodTensor_isItself() {
    float[] values = new float[3 * 4 * 4];
    values[5] = -1_000_000;
    assertSame(values, Preprocessing.checked(values, 4));
  }

  @Test
  void checked_badTensor_isRefusedWithItsPlace() {
    ServingException size =
        assertThrows(ServingException.class, () -> Preprocessing.checked(new float[47], 4));
    assertEquals("TENSOR_SIZE", size.reason());
    assertEquals("image.pixels.values", size.field());
    for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY, 1_000_001, -1_000_001}) {
      float[] values = new float[48];
      values[13] = bad;
      ServingException e =
          assertThrows(ServingException.class, () -> Preprocessing.checked(values, 4));
      assertEquals("TENSOR_VALUE", e.reason());
      assertEquals("image.pixels.values[13]", e.field());
    }
  }

  @Test
  void constructor_outOfRange_isRefused() {
    float[] ones = {1, 1, 1};
    assertThrows(IllegalArgumentException.class, () -> new Preprocessing(0, 1, ones, ones));
    assertThrows(IllegalArgumentException.class, () -> new Preprocessing(1, 5000, ones, ones));
    assertThrows(
        IllegalArgumentException.class, () -> new Preprocessing(1, 1, ones, new float[] {1, 0, 1}));
    assertThrows(IllegalArgumentException.class, () -> new Preprocessing(1, 1, new float[2], ones));
  }

  @Test
  void rgbImage_sizesDisagree_isInvalidArgument() {
    ServingException e =
        assertThrows(ServingException.class, () -> new RgbImage(2, 2, new byte[11]));
    assertEquals("image.raw.rgb", e.field());
    assertThrows(ServingException.class, () -> new RgbImage(0, 2, new byte[0]));
    assertThrows(
        ServingException.class,
        () -> new RgbImage(Integer.MAX_VALUE, Integer.MAX_VALUE, new byte[3]));
  }
}
