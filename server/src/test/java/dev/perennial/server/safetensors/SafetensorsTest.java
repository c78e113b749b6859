package dev.perennial.server.safetensors;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  private static final double[] THIRDS = new double[12];

  static {
    for (int i = 0; i < THIRDS.length; i++) {
      THIRDS[i] = (i - 6) / 3.0;
    }
  }

  @TempDir Path directory;

  private static byte[] resource(String name) throws IOException {
    try (InputStream in =
        SafetensorsTest.class.getResourceAsStream("/golden/safetensors/" + name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    }
  }

  private static float[] thirds() {
    float[] values = new float[THIRDS.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) THIRDS[i];
    }
    return values;
  }

  private static List<TensorData> written() {
    return List.of(
        TensorData.ofFloats("a.f32", List.of(3L, 4L), thirds()),
        TensorData.ofHalves(
            "b.f16",
            List.of(8L),
            new float[] {0f, -0f, 1f, -2.5f, 65504f, 6.1e-5f, 5.96e-8f, Float.POSITIVE_INFINITY}),
        TensorData.ofDoubles("d.f64", List.of(12L), THIRDS),
        TensorData.ofLongs(
            "e.i64", List.of(4L), new long[] {Long.MIN_VALUE, -1, 0, Long.MAX_VALUE}),
        TensorData.ofFloats("f.scalar", List.of(), new float[] {4.25f}),
        TensorData.ofFloats("g.empty", List.of(0L, 7L), new float[0]),
        TensorData.ofFloats("ünïcode 😀", List.of(1L), new float[] {1.5f}));
  }

  @Test
  void parse_fileOfPython_givesItsValues() throws IOException {
    Safetensors file = Safetensors.parse(ByteBuffer.wrap(resource("python.safetensors")));

    assertEquals(Map.of("format", "pt", "quote", "a \"b\" \\ é"), file.metadata());
    Map<String, TensorData> tensors = file.tensors();
    assertEquals(
        List.of(
            "a.f32",
            "b.f16",
            "c.bf16",
            "d.f64",
            "e.i64",
            "f.scalar",
            "g.empty",
            "h.u8",
            "ünïcode 😀"),
        List.copyOf(tensors.keySet()));
    for (TensorData expected : written()) {
      assertEquals(expected, file.tensor(expected.name()));
    }
    assertArrayEquals(thirds(), file.tensor("d.f64").toFloats());
    assertArrayEquals(
        new float[] {
          0f, -0f, 1f, -2.5f, 65504f, 1023f / (1 << 24), 1f / (1 << 24), Float.POSITIVE_INFINITY
        },
        file.tensor("b.f16").toFloats());
    // -5/3 and 1/3 in bfloat16
    assertEquals(-1.6640625f, file.tensor("c.bf16").toFloats()[1]);
    assertEquals(0.33398438f, file.tensor("c.bf16").toFloats()[7]);
    assertEquals(List.of(2L, 6L), file.tensor("c.bf16").shape());
    assertArrayEquals(
        new long[] {Long.MIN_VALUE, -1, 0, Long.MAX_VALUE}, file.tensor("e.i64").toLongs());
    assertArrayEquals(THIRDS, file.tensor("d.f64").toDoubles());
  }

  @Test
  void write_sameTensors_givesTheBytesThatPythonRead() throws IOException {
    byte[] bytes = Safetensors.write(Map.of("made", "by java"), written());

    assertArrayEquals(resource("java.safetensors"), bytes);
  }

  @Test
  void write_anyOrder_givesTheSameBytes() {
    List<TensorData> shuffled = new ArrayList<>(written());
    byte[] expected = Safetensors.write(Map.of("b", "2", "a", "1"), shuffled);
    for (int seed = 0; seed < 5; seed++) {
      Collections.shuffle(shuffled, new Random(seed));
      assertArrayEquals(expected, Safetensors.write(Map.of("a", "1", "b", "2"), shuffled));
    }
  }

  @Test
  void write_sameNameTwice_isRefused() {
    TensorData tensor = TensorData.ofFloats("a", List.of(1L), new float[1]);
    assertThrows(
        IllegalArgumentException.class, () -> Safetensors.write(Map.of(), List.of(tensor, tensor)));
  }

  @ParameterizedTest
  @CsvSource({"1", "48", "100", "1000000"})
  void open_anySegmentSize_givesTheSameTensors(long segmentBytes) throws IOException {
    Path file = directory.resolve("x.safetensors");
    Files.write(file, Safetensors.write(Map.of("k", "v"), written()));

    Safetensors opened = Safetensors.open(file, segmentBytes);

    Safetensors parsed = Safetensors.parse(ByteBuffer.wrap(Files.readAllBytes(file)));
    assertEquals(parsed.tensors(), opened.tensors());
    assertEquals(Map.of("k", "v"), opened.metadata());
  }

  @Test
  void open_everyTruncation_isDataLoss() throws IOException {
    Path file = directory.resolve("x.safetensors");
    byte[] whole = Safetensors.write(Map.of(), written());
    for (int size = 0; size < whole.length; size++) {
      byte[] cut = Arrays.copyOf(whole, size);
      assertDataLoss(cut);
      if (size % 37 == 0) {
        Files.write(file, cut);
        ServingException e = assertThrows(ServingException.class, () -> Safetensors.open(file));
        assertEquals(ErrorCode.DATA_LOSS, e.code());
        assertMessage("x.safetensors", e);
      }
    }
  }

  @Test
  void open_missingFile_isDataLossWithItsName() {
    ServingException e =
        assertThrows(ServingException.class, () -> Safetensors.open(directory.resolve("none")));
    assertEquals("FILE_UNREADABLE", e.reason());
    assertMessage("none", e);
  }

  @Test
  void open_sparseFileOverTwoGigabytes_givesItsLastTensor() throws IOException {
    // Three tensors of 1 GiB that take no disk: only the last bytes are written.
    long gigabyte = 1L << 30;
    String json =
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[%1$d],\"data_offsets\":[0,%1$d]},\"b\":{\"dtype\":\"U8\",\"shape\":[%1$d],\"data_offsets\":[%1$d,%2$d]},\"c\":{\"dtype\":\"F32\",\"shape\":[%4$d],\"data_offsets\":[%2$d,%3$d]}}"
            .formatted(gigabyte, 2 * gigabyte, 3 * gigabyte, gigabyte / 4);
    Path file = directory.resolve("large.safetensors");
    try (var out = new java.io.RandomAccessFile(file.toFile(), "rw")) {
      out.write(frame(json, new byte[0]));
      out.setLength(8 + json.length() + 3 * gigabyte);
      out.seek(out.length() - 4);
      out.write(new byte[] {0, 0, (byte) 0x80, 0x3f});
    }

    TensorData last = Safetensors.open(file).tensor("c");

    assertEquals(1f, last.bytes().getFloat((int) (gigabyte - 4)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[] | BEGIN_OBJECT",
        "{\"a\":1} | BEGIN_OBJECT",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}} | tensor a",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}} | expected: 8, F32 [2]",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-1],\"data_offsets\":[0,4]}} | size: -1",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[\"1\"],\"data_offsets\":[0,4]}} | no number",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}} | bytes: -4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}} | first byte: 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}} | bytes behind the header: 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | tensor b: first byte: 0 (expected: 4",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | twice",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,4]}} | below 2^63",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}} | key x",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}{} | expected: JSON",
        "{\"__metadata__\":{\"a\":1}} | metadata a",
        "{\"a\":{dtype:\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}} | expected: JSON"
      })
  void parse_damagedHeader_isDataLossThatNamesIt(String json, String expected) {
    ServingException e = assertDataLoss(frame(json, new byte[4]));
    assertMessage(expected, e);
  }

  @Test
  void parse_unknownType_isFailedPrecondition() {
    byte[] file =
        frame("{\"a\":{\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,4]}}", new byte[4]);
    ServingException e =
        assertThrows(ServingException.class, () -> Safetensors.parse(ByteBuffer.wrap(file)));
    assertEquals(ErrorCode.FAILED_PRECONDITION, e.code());
  }

  @Test
  void parse_hugeHeaderSize_isDataLoss() {
    ByteBuffer file = ByteBuffer.allocate(100).order(ByteOrder.LITTLE_ENDIAN);
    for (long size : new long[] {-1, 0, 1, 93, Integer.MAX_VALUE, Long.MAX_VALUE, Long.MIN_VALUE}) {
      assertDataLoss(file.putLong(0, size).array());
    }
  }

  @Test
  void parse_notUtf8_isDataLoss() {
    byte[] file = frame("{\"_\":{}}", new byte[0]);
    file[10] = (byte) 0xff;
    assertDataLoss(file);
  }

  private static ServingException assertDataLoss(byte[] file) {
    ServingException e =
        assertThrows(ServingException.class, () -> Safetensors.parse(ByteBuffer.wrap(file)));
    assertEquals(ErrorCode.DATA_LOSS, e.code());
    return e;
  }

  private static void assertMessage(String expected, ServingException e) {
    assertTrue(String.valueOf(e.getMessage()).contains(expected), e::toString);
  }

  private static byte[] frame(String json, byte[] data) {
    byte[] header = json.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + header.length + data.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .put(data)
        .array();
  }
}
