package dev.perennial.server.eval.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Files that are not what their name says: each is named, with what was expected. */
class DamagedDataTest {
  private static final String SPLIT = "dtd/split_zhou_DescribableTextures.json";

  @TempDir private Path folder = Path.of("");
  private MtilTree tree = new MtilTree(folder);

  @BeforeEach
  void tree() {
    tree = new MtilTree(folder);
  }

  @ParameterizedTest
  @ValueSource(strings = {"../../secret.jpg", "a/../../b.jpg", "/etc/passwd", "", "a\\u0000b.jpg"})
  void split_pathLeavesTheFolder_refused(String path) throws IOException {
    tree.text(SPLIT, "{\"train\": [[\"" + path + "\", 0, \"x\"]], \"val\": [], \"test\": []}");
    assertDamaged("dtd", SPLIT, "without ..");
  }

  @Test
  void aircraft_pathLeavesTheFolder_refused() throws IOException {
    tree.aircraft();
    tree.text("fgvc_aircraft/images_variant_test.txt", "../../etc/secret 707-320");
    assertDamaged("aircraft", "fgvc_aircraft/images_variant_test.txt", "without ..");
  }

  @Test
  void split_twoNamesForALabel_refused() throws IOException {
    tree.text(
        SPLIT,
        "{\"train\": [[\"a.jpg\", 0, \"x\"], [\"b.jpg\", 0, \"y\"]], \"val\": [], \"test\": []}");
    assertDamaged("dtd", SPLIT, "label 0: x and y");
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 1, 2_000_000_000})
  void split_labelsWithAGap_refused(int label) throws IOException {
    tree.text(SPLIT, "{\"train\": [[\"a.jpg\", " + label + ", \"x\"]], \"val\": [], \"test\": []}");
    assertDamaged("dtd", SPLIT, "label " + label);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"train\": [[\"a.jpg\", 0",
        "{\"train\": [[\"a.jpg\", \"zero\", \"x\"]]}",
        "{\"train\": [[0.5, 0.5, \"x\"]]}",
        "{\"train\": {\"a.jpg\": 0}}",
        "[]",
        ""
      })
  void split_notInCoopsForm_refused(String json) throws IOException {
    tree.text(SPLIT, json);
    assertDamaged("dtd", SPLIT, "not in CoOp's form");
  }

  @Test
  void split_twoLabelsOfOneName_refused() throws IOException {
    tree.coop("dtd", "split_zhou_DescribableTextures.json", "images", "sea_lake", "sea lake");
    ServingException refused = refused("dtd");
    assertEquals("CLASS_NAMES", refused.reason());
    assertTrue(String.valueOf(refused.getMessage()).contains("sea lake"), refused.getMessage());
  }

  @Test
  void aircraft_unknownVariant_refused() throws IOException {
    tree.aircraft();
    tree.text("fgvc_aircraft/images_variant_test.txt", "0000004 Zeppelin");
    assertDamaged("aircraft", "images_variant_test.txt", "0000004 Zeppelin");
  }

  @Test
  void cifar_cutOff_refused() throws IOException {
    tree.cifar();
    cut("cifar100/train.bin", 1);
    assertDamaged("cifar100", "train.bin", "records of 3074 bytes");
  }

  @Test
  void cifar_labelWithoutName_refused() throws IOException {
    tree.cifar();
    tree.file("cifar100/test.bin", MtilTree.cifarRecords(1, 2));
    assertDamaged("cifar100", "test.bin", "label 2 in record 1");
  }

  @Test
  void mnist_cutOff_refused() throws IOException {
    tree.mnist(false);
    cut("mnist/train-images-idx3-ubyte", 1);
    assertDamaged("mnist", "train-images-idx3-ubyte", "33 bytes (expected: 34 by its header)");
    cut("mnist/train-images-idx3-ubyte", 28);
    assertDamaged("mnist", "train-images-idx3-ubyte", "ends in its header");
  }

  @Test
  void mnist_packedFileCutOff_refused() throws IOException {
    tree.mnist(true);
    cut("mnist/t10k-labels-idx1-ubyte.gz", 9);
    assertDamaged("mnist", "t10k-labels-idx1-ubyte.gz", "cannot be unpacked");
  }

  @Test
  void mnist_notGzip_refused() throws IOException {
    tree.mnist(true);
    tree.text("mnist/t10k-images-idx3-ubyte.gz", "<html>not found</html>");
    assertDamaged("mnist", "t10k-images-idx3-ubyte.gz", "cannot be unpacked");
  }

  @Test
  void mnist_filesChangedOver_refused() throws IOException {
    tree.mnist(false);
    tree.file("mnist/train-images-idx3-ubyte", MtilTree.idxLabels(1, 2, 3));
    assertDamaged("mnist", "train-images-idx3-ubyte", "0x00000801 (expected: 0x00000803)");
  }

  @Test
  void mnist_otherCountOfLabels_refused() throws IOException {
    tree.mnist(false);
    tree.file("mnist/train-labels-idx1-ubyte", MtilTree.idxLabels(1, 2));
    assertDamaged("mnist", "train-images-idx3-ubyte", "3 pictures (expected: 2, one a label)");
  }

  @Test
  void mnist_labelOutOfRange_refused() throws IOException {
    tree.mnist(false);
    tree.file("mnist/t10k-labels-idx1-ubyte", MtilTree.idxLabels(10));
    assertDamaged("mnist", "t10k-labels-idx1-ubyte", "label 10 at 0");
  }

  private void cut(String name, int bytes) throws IOException {
    byte[] whole = Files.readAllBytes(folder.resolve(name));
    tree.file(name, Arrays.copyOf(whole, whole.length - bytes));
  }

  private void assertDamaged(String task, String file, String words) {
    ServingException refused = refused(task);
    assertEquals(ErrorCode.DATA_LOSS, refused.code());
    assertEquals("DAMAGED_FILE", refused.reason());
    String message = String.valueOf(refused.getMessage());
    assertTrue(message.contains(file), message);
    assertTrue(message.contains(words), message);
  }

  private ServingException refused(String task) {
    return assertThrows(ServingException.class, () -> new MtilSuite(folder).task(task, 0, 0));
  }
}
