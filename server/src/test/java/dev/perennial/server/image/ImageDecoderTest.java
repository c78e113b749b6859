package dev.perennial.server.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ImageDecoderTest {
  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.DEFAULT);

  static byte[] resource(String name) throws IOException {
    try (InputStream in = ImageDecoderTest.class.getResourceAsStream("/golden/image/" + name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private static Safetensors golden() throws IOException {
    return Safetensors.parse(ByteBuffer.wrap(resource("decoded.safetensors")));
  }

  static List<String> files() throws IOException {
    return List.copyOf(golden().tensors().keySet());
  }

  @ParameterizedTest
  @MethodSource("files")
  void decode_everyKind_isPillows(String name) throws IOException {
    TensorData expected = golden().tensor(name);
    byte[] pixels = new byte[expected.bytes().limit()];
    expected.bytes().get(pixels);

    RgbImage image = DECODER.decode(resource("files/" + name));

    assertEquals(expected.shape(), List.of((long) image.height(), (long) image.width(), 3L));
    assertArrayEquals(pixels, image.rgb());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "rgb420.jpg",
        "progressive444.jpg",
        "cmyk.jpg",
        "rgb.png",
        "palette.png",
        "interlaced.png"
      })
  void decode_everyTruncation_isRefused(String name) throws IOException {
    byte[] whole = resource("files/" + name);
    for (int size = 0; size < whole.length; size++) {
      assertRefused(Arrays.copyOf(whole, size));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain.gif", "rgb24.bmp", "palette8.bmp", "bilevel.bmp", "rgb32.bmp"})
  void decode_truncatedBeforeLastBytes_isRefused(String name) throws IOException {
    byte[] whole = resource("files/" + name);
    for (int size = 0; size < whole.length - 4; size++) { // the trailer, or a row's padding
      assertRefused(Arrays.copyOf(whole, size));
    }
  }

  @Test
  void decode_jpegCutAndClosed_isTruncated() throws IOException {
    // With an end marker put behind the cut, only the decoder can notice.
    for (String name : List.of("rgb420.jpg", "progressive444.jpg", "cmyk.jpg")) {
      byte[] whole = resource("files/" + name);
      byte[] cut = Arrays.copyOf(whole, whole.length - 200);
      cut[cut.length - 2] = (byte) 0xff;
      cut[cut.length - 1] = (byte) 0xd9;
      assertRefused(cut);
    }
  }

  @Test
  void decode_bytesBehindThePicture_areIgnored() throws IOException {
    for (String name : List.of("rgb420.jpg", "rgb.png", "plain.gif", "rgb24.bmp")) {
      byte[] whole = resource("files/" + name);
      byte[] longer = Arrays.copyOf(whole, whole.length + 100);
      assertArrayEquals(DECODER.decode(whole).rgb(), DECODER.decode(longer).rgb());
    }
  }

  @Test
  void decode_anyDamage_isRefusedOrDecodedButNothingElse() throws IOException {
    Random random = new Random(3);
    ImageDecoder small = new ImageDecoder(new ImageDecoder.Limits(512, 100_000));
    for (String name : files()) {
      byte[] whole = resource("files/" + name);
      for (int round = 0; round < 40; round++) {
        byte[] damaged = whole.clone();
        for (int i = 0; i <= round % 4; i++) {
          // Mostly in the headers, where the structure is.
          int range = random.nextBoolean() ? Math.min(80, whole.length) : whole.length;
          damaged[random.nextInt(range)] = (byte) random.nextInt(256);
        }
        try {
          RgbImage image = small.decode(damaged);
          assertTrue(image.width() <= 512 && image.height() <= 512);
        } catch (ServingException e) {
          assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
          assertEquals("image.encoded", e.field());
        }
      }
    }
  }

  @Test
  void decode_noImage_isRefused() {
    assertReason("IMAGE_NOT_DECODABLE", new byte[0]);
    assertReason("IMAGE_NOT_DECODABLE", "just text".getBytes(StandardCharsets.UTF_8));
    assertReason(
        "IMAGE_NOT_DECODABLE",
        "BM, or the like of it, but no picture".getBytes(StandardCharsets.UTF_8));
    assertReason("IMAGE_NOT_DECODABLE", "RIFF....WEBPVP8 ".getBytes(StandardCharsets.UTF_8));
    assertReason("IMAGE_TRUNCATED", new byte[] {(byte) 0xff, (byte) 0xd8, (byte) 0xff});
  }

  @Test
  void decode_pngBomb_isRefusedBeforeDecoding() {
    // The pixels are not even there: decoding would fail otherwise.
    assertReason("IMAGE_TOO_LARGE", emptyPng(40_000, 40_000));
    assertReason("IMAGE_TOO_LARGE", emptyPng(16_385, 1));
    assertReason("IMAGE_TOO_LARGE", emptyPng(8_001, 8_000));
    assertReason("IMAGE_TOO_LARGE", emptyPng(Integer.MAX_VALUE, Integer.MAX_VALUE));
    assertReason("IMAGE_NOT_DECODABLE", emptyPng(8_000, 8_000));
    assertReason("IMAGE_NOT_DECODABLE", emptyPng(0, 10));
    assertReason("IMAGE_NOT_DECODABLE", emptyPng(-5, 10));
  }

  @Test
  void decode_largeSizeInEveryHeader_isTooLarge() throws IOException {
    byte[] jpeg = resource("files/rgb444.jpg");
    int frame = indexOf(jpeg, (byte) 0xff, (byte) 0xc0);
    ByteBuffer.wrap(jpeg).putShort(frame + 5, (short) 60_000).putShort(frame + 7, (short) 60_000);
    assertReason("IMAGE_TOO_LARGE", jpeg);
    byte[] gif = resource("files/plain.gif");
    gif[7] = (byte) 0xff; // the screen only
    gif[9] = (byte) 0xff;
    assertReason("IMAGE_TOO_LARGE", gif);
    byte[] bmp = resource("files/rgb24.bmp");
    bmp[20] = 1;
    assertReason("IMAGE_TOO_LARGE", bmp);
  }

  @Test
  void decode_roomForLessThanOnePicture_eachIsDecodedAlone() throws Exception {
    byte[] file = resource("files/rgb.png"); // 45 x 31
    byte[] whole = DECODER.decode(file).rgb();
    ImageDecoder narrow = new ImageDecoder(ImageDecoder.Limits.DEFAULT, 100);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<Future<RgbImage>> pictures = new ArrayList<>();
      for (int i = 0; i < 40; i++) {
        pictures.add(threads.submit(() -> narrow.decode(file)));
      }
      for (Future<RgbImage> picture : pictures) {
        assertArrayEquals(whole, picture.get(60, TimeUnit.SECONDS).rgb());
      }
    } finally {
      threads.shutdownNow();
    }
    assertEquals(6, narrow.freePixels());
  }

  @Test
  void decode_noRoom_waitsUntilThereIs() throws Exception {
    byte[] file = resource("files/rgb.png"); // 45 x 31
    ImageDecoder decoder = new ImageDecoder(ImageDecoder.Limits.DEFAULT, 16 * 45 * 31);
    CompletableFuture<RgbImage> second = new CompletableFuture<>();
    Thread other = new Thread(() -> second.complete(decoder.decode(file)), "other");
    decoder.inRoom(
        45,
        31,
        () -> {
          other.start();
          while (decoder.waiting() == 0) {
            Thread.onSpinWait();
          }
          assertFalse(second.isDone());
          return new RgbImage(1, 1, new byte[3]);
        });
    assertEquals(45, second.get(60, TimeUnit.SECONDS).width());
    other.join();
  }

  @Test
  void decode_limitIsTheSize_passes() throws IOException {
    byte[] file = resource("files/rgb.png"); // 45 x 31
    assertEquals(45, new ImageDecoder(new ImageDecoder.Limits(45, 45 * 31)).decode(file).width());
    for (ImageDecoder.Limits limits :
        List.of(new ImageDecoder.Limits(44, 10_000), new ImageDecoder.Limits(100, 45 * 31 - 1))) {
      ServingException e =
          assertThrows(ServingException.class, () -> new ImageDecoder(limits).decode(file));
      assertEquals("IMAGE_TOO_LARGE", e.reason());
    }
  }

  @Test
  void decode_thousandsOfScans_isTooLarge() throws IOException {
    byte[] whole = resource("files/progressive444.jpg");
    int scan = lastIndexOf(whole, (byte) 0xff, (byte) 0xda);
    ByteArrayOutputStream many = new ByteArrayOutputStream();
    many.write(whole, 0, scan);
    for (int i = 0; i < 5_000; i++) {
      many.write(whole, scan, whole.length - 2 - scan);
    }
    many.write(0xff);
    many.write(0xd9);
    assertReason("IMAGE_TOO_LARGE", many.toByteArray());
  }

  @Test
  void decode_bmpThatHidesAnotherFormat_isRefused() throws IOException {
    byte[] bmp = resource("files/rgb24.bmp");
    bmp[30] = 5; // an embedded PNG
    assertReason("IMAGE_NOT_DECODABLE", bmp);
  }

  @Test
  void decode_wrongChecksum_isRefused() throws IOException {
    byte[] png = resource("files/rgb.png");
    png[png.length - 30] ^= 1;
    assertReason("IMAGE_NOT_DECODABLE", png);
  }

  private static int indexOf(byte[] bytes, byte first, byte second) {
    int at = 0;
    while (bytes[at] != first || bytes[at + 1] != second) {
      at++;
    }
    return at;
  }

  private static int lastIndexOf(byte[] bytes, byte first, byte second) {
    int at = bytes.length - 2;
    while (bytes[at] != first || bytes[at + 1] != second) {
      at--;
    }
    return at;
  }

  private static byte[] emptyPng(int width, int height) {
    byte[] header = {'I', 'H', 'D', 'R', 0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0};
    ByteBuffer.wrap(header).putInt(4, width).putInt(8, height);
    byte[] end = {'I', 'E', 'N', 'D'};
    return ByteBuffer.allocate(8 + 25 + 12)
        .put(PngFile.SIGNATURE)
        .putInt(13)
        .put(header)
        .putInt(sum(header))
        .putInt(0)
        .put(end)
        .putInt(sum(end))
        .array();
  }

  private static int sum(byte[] bytes) {
    CRC32 sum = new CRC32();
    sum.update(bytes);
    return (int) sum.getValue();
  }

  private static ServingException assertRefused(byte[] file) {
    ServingException e = assertThrows(ServingException.class, () -> DECODER.decode(file));
    assertEquals(ErrorCode.INVALID_ARGUMENT, e.code());
    assertEquals("image.encoded", e.field());
    return e;
  }

  private static void assertReason(String reason, byte[] file) {
    ServingException e = assertRefused(file);
    assertEquals(reason, e.reason(), e::toString);
  }
}
