package dev.perennial.server.task;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.safetensors.Safetensors;
import dev.perennial.server.safetensors.TensorData;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

class TaskVersionFileTest {
  private static final TaskVersion VERSION = TaskVersions.random("cats", 1);

  private static void assertDamaged(String what, byte[] bytes) {
    ServingException e =
        assertThrows(
            ServingException.class, () -> TaskVersionFile.read(ByteBuffer.wrap(bytes)), what);
    assertEquals(ErrorCode.DATA_LOSS, e.code());
    assertTrue(e.toString().contains(what), e + " should name " + what);
  }

  /** The file's bytes after a change of its parts. */
  private static byte[] changed(
      Consumer<Map<String, String>> metadata, Consumer<Map<String, TensorData>> tensors) {
    Safetensors file = Safetensors.parse(ByteBuffer.wrap(TaskVersionFile.write(VERSION)));
    Map<String, String> newMetadata = new HashMap<>(file.metadata());
    Map<String, TensorData> newTensors = new HashMap<>(file.tensors());
    metadata.accept(newMetadata);
    tensors.accept(newTensors);
    return Safetensors.write(newMetadata, newTensors.values());
  }

  private static byte[] withJson(String from, String to) {
    return changed(
        metadata ->
            metadata.computeIfPresent(
                "perennial",
                (key, json) -> {
                  assertTrue(json.contains(from), json);
                  return json.replace(from, to);
                }),
        tensors -> {});
  }

  private static byte[] withTensor(TensorData tensor) {
    return changed(metadata -> {}, tensors -> tensors.put(tensor.name(), tensor));
  }

  private static byte[] without(String tensor) {
    return changed(metadata -> {}, tensors -> tensors.remove(tensor));
  }

  @Test
  void read_written_everyFieldEqual() {
    TaskVersion read = TaskVersionFile.read(ByteBuffer.wrap(TaskVersionFile.write(VERSION)));
    assertEquals(VERSION.task(), read.task());
    assertEquals(VERSION.classNames(), read.classNames());
    assertEquals(VERSION.template(), read.template());
    assertEquals(VERSION.statistics(), read.statistics());
    assertEquals(VERSION.gate(), read.gate());
    assertEquals(VERSION.head(), read.head());
    assertEquals(VERSION.options(), read.options());
    assertEquals(VERSION.metrics(), read.metrics());
    assertEquals(VERSION.seed(), read.seed());
    assertEquals(VERSION.backboneFingerprint(), read.backboneFingerprint());
    assertEquals(VERSION.created(), read.created());
    assertEquals(VERSION.prefixes().length(), read.prefixes().length());
    assertLayersEqual(VERSION.prefixes().imageKeys(), read.prefixes().imageKeys());
    assertLayersEqual(VERSION.prefixes().imageValues(), read.prefixes().imageValues());
    assertLayersEqual(VERSION.prefixes().textKeys(), read.prefixes().textKeys());
    assertLayersEqual(VERSION.prefixes().textValues(), read.prefixes().textValues());
  }

  private static void assertLayersEqual(List<float[]> expected, List<float[]> actual) {
    assertEquals(expected.size(), actual.size());
    for (int layer = 0; layer < expected.size(); layer++) {
      assertArrayEquals(expected.get(layer), actual.get(layer), 0f);
    }
  }

  @Test
  void write_sameVersionWhateverTheMapsOrder_sameBytes() {
    Map<String, String> reversed = new LinkedHashMap<>();
    List<String> names = new ArrayList<>(VERSION.options().keySet());
    for (int i = names.size() - 1; i >= 0; i--) {
      reversed.put(names.get(i), VERSION.options().getOrDefault(names.get(i), ""));
    }
    TaskVersion same =
        new TaskVersion(
            VERSION.task(),
            new ArrayList<>(VERSION.classNames()),
            VERSION.template(),
            VERSION.prefixes(),
            VERSION.statistics(),
            VERSION.gate(),
            VERSION.head(),
            reversed,
            new HashMap<>(VERSION.metrics()),
            VERSION.seed(),
            VERSION.backboneFingerprint(),
            VERSION.created());
    byte[] bytes = TaskVersionFile.write(VERSION);
    assertArrayEquals(bytes, TaskVersionFile.write(same));
    assertArrayEquals(bytes, TaskVersionFile.write(TaskVersionFile.read(ByteBuffer.wrap(bytes))));
    assertNotEquals(
        TaskVersionFile.versionId(bytes),
        TaskVersionFile.versionId(TaskVersionFile.write(TaskVersions.random("cats", 2))));
  }

  @Test
  void read_formatWithoutHead_constantsOfTheSums() {
    byte[] old =
        changed(
            metadata -> {
              metadata.put("format", "perennial-task-version-1");
              metadata.computeIfPresent(
                  "perennial", (key, json) -> json.replaceFirst("\"head\":\\{[^}]*\\},", ""));
            },
            tensors -> {});
    TaskVersion read = TaskVersionFile.read(ByteBuffer.wrap(old));
    assertEquals(HeadConstants.ofSums(VERSION.statistics(), VERSION.gate()), read.head());
    assertNotEquals(VERSION.head().tau(), read.head().tau());
  }

  @Test
  void read_headMissing_dataLoss() {
    byte[] headless =
        changed(
            metadata ->
                metadata.computeIfPresent(
                    "perennial", (key, json) -> json.replace("\"head\"", "\"hat\"")),
            tensors -> {});
    ServingException e =
        assertThrows(ServingException.class, () -> TaskVersionFile.read(ByteBuffer.wrap(headless)));
    assertEquals("task version, head: missing (expected: a value)", e.getMessage());
  }

  @Test
  void versionId_knownBytes_sha256() {
    assertEquals(
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        TaskVersionFile.versionId(HexFormat.of().parseHex("616263")));
  }

  @Test
  void read_anyTruncation_dataLoss() {
    byte[] bytes = TaskVersionFile.write(VERSION);
    for (int length = 0; length < bytes.length; length += 1 + length / 40) {
      byte[] cut = Arrays.copyOf(bytes, length);
      ServingException e =
          assertThrows(ServingException.class, () -> TaskVersionFile.read(ByteBuffer.wrap(cut)));
      assertEquals(ErrorCode.DATA_LOSS, e.code());
    }
  }

  @Test
  void read_anyFlippedBit_dataLossOrReadNeverAnotherException() {
    byte[] bytes = TaskVersionFile.write(VERSION);
    for (int i = 0; i < bytes.length; i++) {
      byte[] flipped = bytes.clone();
      flipped[i] ^= (byte) (1 << (i % 8));
      try {
        TaskVersionFile.read(ByteBuffer.wrap(flipped));
      } catch (ServingException e) {
        assertEquals(ErrorCode.DATA_LOSS, e.code(), e.toString());
      }
    }
  }

  @Test
  void read_tensorMissingExtraOrOfAnotherShape_dataLossNamesIt() {
    assertDamaged("image.0.key", without("image.0.key"));
    assertDamaged("image.1.value", without("image.1.value"));
    assertDamaged("image.1", without("image.1.key"));
    assertDamaged("prefix depth: 0", without("text.0.key"));
    assertDamaged("statistics.products", without("statistics.products"));
    assertDamaged(
        "stranger", withTensor(TensorData.ofFloats("stranger", List.of(1L), new float[1])));
    assertDamaged(
        "text.0.value",
        withTensor(TensorData.ofFloats("text.0.value", List.of(2L, 9L), new float[18])));
    assertDamaged(
        "image.1.key",
        withTensor(TensorData.ofFloats("image.1.key", List.of(3L, 5L), new float[15])));
    assertDamaged(
        "statistics.class_sums",
        withTensor(TensorData.ofFloats("statistics.class_sums", List.of(2L, 8L), new float[16])));
    assertDamaged(
        "count of class 1",
        withTensor(
            TensorData.ofLongs("statistics.class_counts", List.of(2L), new long[] {15, -1})));
  }

  @Test
  void read_numberNotFinite_dataLossNamesIt() {
    float[] numbers = new float[12];
    numbers[7] = Float.NaN;
    assertDamaged(
        "image.1.value",
        withTensor(TensorData.ofFloats("image.1.value", List.of(3L, 4L), numbers)));
    assertDamaged(
        "std of log-density",
        withJson("\"std_log_density\":", "\"std_log_density\":-1,\"ignored\":"));
  }

  @Test
  void read_metadataWrong_dataLossNamesIt() {
    assertDamaged("format", changed(m -> m.put("format", "2"), t -> {}));
    assertDamaged("format", changed(m -> m.remove("perennial"), t -> {}));
    assertDamaged("perennial", changed(m -> m.put("perennial", "[]"), t -> {}));
    assertDamaged("task version", changed(m -> m.put("perennial", "{"), t -> {}));
    assertDamaged("seed: missing", withJson("\"seed\"", "\"sead\""));
    assertDamaged("perennial", withJson("\"seed\":1", "\"seed\":null"));
    assertDamaged("ROBOST", withJson("ROBUST", "ROBOST"));
    assertDamaged("template", withJson("a photo of a {}.", "a photo"));
    assertDamaged("task: Cats", withJson("\"cats\"", "\"Cats\""));
    assertDamaged("class name", withJson("cat 1", " "));
    assertDamaged("classes of the statistics", withJson("\"cat 1\",", ""));
    assertDamaged("2023", withJson("\"created\":\"", "\"created\":\"x"));
  }

  @Test
  void read_fieldOfNewerSoftware_passedOver() {
    TaskVersion read =
        TaskVersionFile.read(
            ByteBuffer.wrap(withJson("\"seed\":1", "\"novelty\":{\"a\":[2]},\"seed\":1")));
    assertEquals(1, read.seed());
  }

  @Test
  void read_formatOfNewerSoftware_dataLossNamesBothFormats() {
    assertDamaged(
        "format: perennial-task-version-3 (expected: perennial-task-version-2)",
        changed(m -> m.put("format", "perennial-task-version-3"), t -> {}));
  }
}
