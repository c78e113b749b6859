package dev.perennial.server.eval.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FolderSuiteTest {
  @TempDir private Path folder = Path.of("");
  private MtilTree tree = new MtilTree(folder);

  @BeforeEach
  void birds() throws IOException {
    tree = new MtilTree(folder.resolve("birds"));
    int grey = 0;
    for (String split : List.of("train", "test")) {
      tree.file("sea/" + split + "/great_auk/b.JPG", MtilTree.jpeg(++grey));
      tree.file("sea/" + split + "/great_auk/a.png", MtilTree.png(++grey));
      tree.file("sea/" + split + "/gull/c.jpeg", MtilTree.jpeg(++grey));
      tree.file("garden/" + split + "/007/x.jpg", MtilTree.jpeg(++grey));
      tree.file("garden/" + split + "/no/y.jpg", MtilTree.jpeg(++grey));
    }
    tree.file("sea/train/.cache/z.jpg", MtilTree.jpeg(0));
    tree.file("sea/train/gull/notes.txt", new byte[1]);
    tree.file("docs/readme.txt", new byte[1]);
  }

  @Test
  void task_noDescription_namesOfTheFolders() throws IOException {
    FolderSuite suite = new FolderSuite(tree.root());
    assertEquals("birds", suite.name());
    assertEquals(List.of("garden", "sea"), suite.tasks());
    TaskData sea = suite.task("sea", 0, 0);
    assertEquals(List.of("great auk", "gull"), sea.classNames());
    assertEquals("a photo of a {}.", sea.template());
    assertEquals(3, sea.train().size()); // classes take turns
    assertArrayEquals(MtilTree.png(2), sea.train().get(0).picture().encoded());
    assertArrayEquals(MtilTree.jpeg(3), sea.train().get(1).picture().encoded());
    assertEquals(1, sea.train().get(1).classIndex());
    assertArrayEquals(MtilTree.jpeg(1), sea.train().get(2).picture().encoded());
    assertArrayEquals(MtilTree.png(7), sea.test().get(0).picture().encoded());
  }

  @Test
  void task_description_orderTemplatesAndNames() throws IOException {
    tree.text(
        "perennial.yaml",
        "name: my birds",
        "order: [sea, garden]",
        "template: a bird called {}",
        "tasks:",
        "  sea:",
        "    template: a photo of a {}, a sea bird.",
        "    classes: {gull: herring gull, great_auk: Great Auk}",
        "  garden:",
        "    classes: [no, 007]");
    FolderSuite suite = new FolderSuite(tree.root());
    assertEquals("my birds", suite.name());
    assertEquals(List.of("sea", "garden"), suite.tasks());
    TaskData sea = suite.task("sea", 0, 0);
    assertEquals(List.of("herring gull", "Great Auk"), sea.classNames());
    assertEquals("a photo of a {}, a sea bird.", sea.template());
    assertArrayEquals(MtilTree.jpeg(3), sea.train().get(0).picture().encoded());
    TaskData garden = suite.task("garden", 0, 0);
    assertEquals(List.of("no", "007"), garden.classNames());
    assertEquals("a bird called {}", garden.template());
  }

  @Test
  void task_oneShot_oneOfEachClass() {
    TaskData sea = new FolderSuite(tree.root()).task("sea", 1, 0);
    assertEquals(2, sea.train().size());
    assertEquals(3, sea.test().size());
  }

  @Test
  void task_writtenMiniMtil_sameTasksAsTheBuiltInSuite() throws IOException {
    Path written = folder.resolve("written");
    MiniMtilFolders.write(new MiniMtilFolders.Config(written, 2, 1, MiniMtil.SEED), () -> {});
    FolderSuite suite = new FolderSuite(written);
    MiniMtilSuite builtIn = new MiniMtilSuite(1);
    assertEquals(builtIn.name(), suite.name());
    assertEquals(builtIn.tasks(), suite.tasks());
    for (String task : builtIn.tasks()) {
      TaskData expected = builtIn.task(task, 2, MiniMtil.SEED);
      TaskData read = suite.task(task, 0, 0);
      assertEquals(expected.classNames(), read.classNames());
      assertEquals(expected.template(), read.template());
      assertSamePictures(expected.train(), read.train());
      assertSamePictures(expected.test(), read.test());
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tempalte: a {}",
        "order: sea",
        "tasks: {sea: {class: [gull]}}",
        "tasks: {sea: {classes: {gull: [a]}}}",
        "tasks: {sea: {classes: [gull, gull]}}",
        "name: a\nname: b",
        "order: [sea",
        "- sea",
        "name: !!java.net.URL [x]",
        "tasks: {sea: {classes: {gull: }}}"
      })
  void suite_descriptionWrong_fileIsNamed(String yaml) throws IOException {
    tree.text("perennial.yaml", yaml);
    ServingException refused = refused();
    assertEquals("DAMAGED_FILE", refused.reason());
    assertTrue(String.valueOf(refused.getMessage()).contains("perennial.yaml"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# order: [sea]", "order:", "template:", "tasks: {sea: }"})
  void suite_descriptionSaysNothing_defaults(String yaml) throws IOException {
    tree.text("perennial.yaml", yaml);
    assertEquals("a photo of a {}.", new FolderSuite(tree.root()).task("sea", 0, 0).template());
    assertEquals(List.of("garden", "sea"), new FolderSuite(tree.root()).tasks());
  }

  @Test
  void suite_describedTaskMissing_refused() throws IOException {
    tree.text("perennial.yaml", "order: [sea, desert]");
    ServingException refused = refused();
    assertEquals("MISSING_FILE", refused.reason());
    assertTrue(String.valueOf(refused.getMessage()).contains("desert"), refused.getMessage());
  }

  @Test
  void suite_noTasks_refused() throws IOException {
    Path empty = Files.createDirectories(folder.resolve("empty"));
    ServingException refused = assertThrows(ServingException.class, () -> new FolderSuite(empty));
    assertEquals("MISSING_FILE", refused.reason());
  }

  @Test
  void task_testClassThatIsNotTaught_refused() throws IOException {
    tree.file("sea/test/puffin/a.jpg", MtilTree.jpeg(1));
    assertTaskRefused("DAMAGED_FILE", "puffin");
  }

  @Test
  void task_classWithoutTestPictures_refused() throws IOException {
    Files.delete(tree.root().resolve("sea/test/gull/c.jpeg"));
    assertTaskRefused("MISSING_FILE", "gull");
  }

  @Test
  void task_noTestFolder_refused() throws IOException {
    tree.file("desert/train/owl/a.jpg", MtilTree.jpeg(1));
    FolderSuite suite = new FolderSuite(tree.root());
    ServingException refused =
        assertThrows(ServingException.class, () -> suite.task("desert", 0, 0));
    assertEquals("MISSING_FILE", refused.reason());
  }

  private void assertTaskRefused(String reason, String word) {
    FolderSuite suite = new FolderSuite(tree.root());
    ServingException refused = assertThrows(ServingException.class, () -> suite.task("sea", 0, 0));
    assertEquals(reason, refused.reason());
    assertTrue(String.valueOf(refused.getMessage()).contains(word), refused.getMessage());
  }

  private ServingException refused() {
    return assertThrows(ServingException.class, () -> new FolderSuite(tree.root()));
  }

  private static void assertSamePictures(
      List<LabelledPicture> expected, List<LabelledPicture> actual) throws IOException {
    assertEquals(expected.size(), actual.size());
    for (int i = 0; i < expected.size(); i++) {
      assertEquals(expected.get(i).classIndex(), actual.get(i).classIndex());
      assertArrayEquals(expected.get(i).picture().encoded(), actual.get(i).picture().encoded());
    }
  }
}
