package dev.perennial.server.clip;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.safetensors.TensorData;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;

class TowersArchiveTest {
  @Test
  void source_anyModel_leavesNoWordToReplace() {
    for (String name : Golden.NAMES) {
      String code = TowersArchive.source(new Golden(name).config).replaceAll("#[^\n]*", "");
      assertFalse(Pattern.compile("\\b(IMAGE|TEXT|PATCH)(_[A-Z]+)?\\b").matcher(code).find(), code);
    }
  }

  @Test
  void archive_entries_areStored() throws IOException {
    try (ZipInputStream zip =
        new ZipInputStream(new ByteArrayInputStream(TowersArchive.archive("text")))) {
      int entries = 0;
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        assertEquals(ZipEntry.STORED, entry.getMethod(), entry.getName());
        entries++;
      }
      assertEquals(5, entries);
    }
  }

  @Test
  void load_weightMissing_namesIt() {
    Golden golden = new Golden("one-layer");
    String name = "text_model.encoder.layers.0.self_attn.k_proj.bias";
    Map<String, TensorData> weights = new HashMap<>(golden.weights);
    weights.remove(name);
    ServingException e = refused(golden, weights, "cpu");
    assertEquals("WEIGHT_MISSING", e.reason());
    assertTrue(String.valueOf(e.getMessage()).startsWith(name), e.toString());
  }

  @Test
  void load_weightOfAnotherShape_namesBoth() {
    Golden golden = new Golden("one-layer");
    Map<String, TensorData> weights = new HashMap<>(golden.weights);
    TensorData bias = golden.weight("text_model.final_layer_norm.bias");
    weights.put("visual_projection.weight", bias);
    ServingException e = refused(golden, weights, "cpu");
    assertEquals("WEIGHT_SHAPE", e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains(List.of(8L, 16L).toString()), e.toString());
  }

  @Test
  void load_unknownDevice_refused() {
    Golden golden = new Golden("one-layer");
    assertEquals("UNKNOWN_DEVICE", refused(golden, golden.weights, "gpu0").reason());
  }

  @Test
  void load_deviceThatIsNotThere_refused() {
    Golden golden = new Golden("one-layer");
    assertEquals("DEVICE_UNAVAILABLE", refused(golden, golden.weights, "cuda:999").reason());
  }

  private static ServingException refused(
      Golden golden, Map<String, TensorData> weights, String device) {
    return assertThrows(
        ServingException.class,
        () -> ClipModel.load(golden.config, weights, device, Precision.FP32).close());
  }
}
