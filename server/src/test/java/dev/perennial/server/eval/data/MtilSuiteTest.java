package dev.perennial.server.eval.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.image.RgbImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class MtilSuiteTest {
  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.DEFAULT);

  @TempDir private Path folder = Path.of("");
  private MtilTree tree = new MtilTree(folder);

  @BeforeEach
  void tree() {
    tree = new MtilTree(folder);
  }

  @Test
  void orders_asInZscl() {
    assertEquals(
        List.of(
            "aircraft",
            "caltech101",
            "cifar100",
            "dtd",
            "eurosat",
            "flowers",
            "food",
            "mnist",
            "oxford-pet",
            "stanford-cars",
            "sun397"),
        MtilSuite.ORDER_I);
    assertEquals(new HashSet<>(MtilSuite.ORDER_I), new HashSet<>(MtilSuite.ORDER_II));
    assertEquals(11, MtilSuite.ORDER_II.size());
    assertEquals(List.of("stanford-cars", "food", "mnist"), MtilSuite.ORDER_II.subList(0, 3));
    assertEquals("cifar100", MtilSuite.ORDER_II.get(10));
    assertTrue(MtilSuite.ORDER_I.containsAll(MtilSuite.FEW_SHOT_ORDER));
    assertEquals(MtilSuite.ORDER_I, new MtilSuite(folder).tasks());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      textBlock =
          """
          caltech101|caltech-101|split_zhou_Caltech101.json|101_ObjectCategories|a photo of a {}.
          dtd|dtd|split_zhou_DescribableTextures.json|images|a photo of a {} texture.
          eurosat|eurosat|split_zhou_EuroSAT.json|2750|a centered satellite photo of {}.
          flowers|oxford_flowers|split_zhou_OxfordFlowers.json|jpg|a photo of a {}, a type of flower.
          food|food-101|split_zhou_Food101.json|images|a photo of a {}, a type of food.
          oxford-pet|oxford_pets|split_zhou_OxfordPets.json|images|a photo of a {}, a type of pet.
          stanford-cars|stanford_cars|split_zhou_StanfordCars.json|.|a photo of a {}, a type of car.
          sun397|sun397|split_zhou_SUN397.json|SUN397|a photo of a {}.
          """)
  void task_coopSplit_picturesOfTheLists(
      String task, String dataSet, String splitFile, String pictures, String template)
      throws IOException {
    tree.coop(dataSet, splitFile, pictures, "apple_pie", "zebra");
    TaskData read = new MtilSuite(folder).task(task, 0, 0);
    assertEquals(task, read.name());
    assertEquals(template, read.template());
    assertEquals(List.of("apple pie", "zebra"), read.classNames());
    assertEquals(List.of(0, 0, 0, 1, 1, 1, 0, 1), labels(read.train())); // val after train
    assertEquals(List.of(0, 0, 1, 1), labels(read.test()));
    assertArrayEquals(MtilTree.jpeg(40 * 4), read.test().get(0).picture().encoded());
    assertArrayEquals(MtilTree.jpeg(10), read.train().get(3).picture().encoded());
    assertEquals(8, DECODER.decode(read.test().get(0).picture().encoded()).width());
  }

  @Test
  void task_foldersOwnNames_coopsNewNames() throws IOException {
    tree.coop("eurosat", "split_zhou_EuroSAT.json", "2750", "AnnualCrop", "River");
    tree.coop(
        "caltech-101", "split_zhou_Caltech101.json", "101_ObjectCategories", "Faces", "anchor");
    MtilSuite suite = new MtilSuite(folder);
    assertEquals(List.of("Annual Crop Land", "River"), suite.task("eurosat", 0, 0).classNames());
    assertEquals(List.of("face", "anchor"), suite.task("caltech101", 0, 0).classNames());
  }

  @Test
  void task_shots_seededPerClassFromTrainingPicturesOnly() throws IOException {
    tree.coop("dtd", "split_zhou_DescribableTextures.json", "images", "banded", "dotted");
    MtilSuite suite = new MtilSuite(folder);
    TaskData two = suite.task("dtd", 2, 3);
    assertEquals(2, two.train().stream().filter(picture -> picture.classIndex() == 0).count());
    assertEquals(2, two.train().stream().filter(picture -> picture.classIndex() == 1).count());
    assertEquals(two.train(), suite.task("dtd", 2, 3).train());
    assertEquals(suite.task("dtd", 0, 0).test(), two.test());
    assertTrue(suite.task("dtd", 0, 0).train().containsAll(two.train()));
  }

  @Test
  void task_aircraft_listsAndVariants() throws IOException {
    tree.aircraft();
    TaskData read = new MtilSuite(folder).task("aircraft", 0, 0);
    assertEquals(List.of("707-320", "Cessna 172"), read.classNames());
    assertEquals("a photo of a {}, a type of aircraft.", read.template());
    assertEquals(List.of(1, 0, 0), labels(read.train()));
    assertEquals(List.of(1), labels(read.test()));
    assertArrayEquals(MtilTree.jpeg(2), read.train().get(1).picture().encoded());
  }

  @Test
  void task_cifarBinary_fineLabelsAndPlanes() throws IOException {
    tree.cifar();
    TaskData read = new MtilSuite(folder).task("cifar100", 0, 0);
    assertEquals(List.of("apple", "aquarium fish"), read.classNames());
    assertEquals(List.of(1, 0, 1), labels(read.train()));
    RgbImage image = DECODER.decode(read.train().get(2).picture().encoded());
    assertEquals(32, image.width());
    assertEquals(32, image.height());
    int place = 3 * (5 * 32 + 17); // row 5, column 17
    assertEquals(1 + 5, image.rgb()[place]);
    assertEquals(1 + 50 + 5, image.rgb()[place + 1]);
    assertEquals(1 + 100 + 5, image.rgb()[place + 2]);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void task_mnistPlainOrPacked_greyPictures(boolean packed) throws IOException {
    tree.mnist(packed);
    MtilSuite suite = new MtilSuite(folder);
    TaskData read = suite.task("mnist", 0, 0);
    assertEquals("9 - nine", read.classNames().get(9));
    assertEquals("a photo of the number: \"{}\".", read.template());
    assertEquals(List.of(7, 0, 7), labels(read.train()));
    assertEquals(List.of(9), labels(read.test()));
    RgbImage image = DECODER.decode(read.train().get(1).picture().encoded());
    assertEquals(3, image.width());
    assertEquals(2, image.height());
    for (int channel = 0; channel < 3; channel++) {
      assertEquals(100 + 10 + 2, image.rgb()[3 * 5 + channel]); // the last pixel
    }
    assertEquals(read.train().get(0), suite.task("mnist", 0, 1).train().get(0));
  }

  @Test
  void task_dataSetMissing_saysWhichFileAndWhereToGetIt() {
    ServingException missing = refused(() -> new MtilSuite(folder).task("dtd", 16, 0));
    assertEquals("MISSING_FILE", missing.reason());
    String message = String.valueOf(missing.getMessage());
    assertTrue(message.contains("dtd/split_zhou_DescribableTextures.json"), message);
    assertTrue(message.contains("server/docs/mtil.md"), message);
    assertTrue(message.contains("https://www.robots.ox.ac.uk/~vgg/data/dtd/"), message);
  }

  @Test
  void task_pictureMissing_foundBeforeAnythingRuns() throws IOException {
    tree.aircraft();
    Files.delete(folder.resolve("fgvc_aircraft/images/0000004.jpg"));
    ServingException missing = refused(() -> new MtilSuite(folder).task("aircraft", 1, 0));
    assertEquals("MISSING_FILE", missing.reason());
    assertTrue(String.valueOf(missing.getMessage()).contains("0000004.jpg"));
  }

  @Test
  void suite_noFolder_refused() {
    assertEquals("MISSING_FILE", refused(() -> new MtilSuite(folder.resolve("nowhere"))).reason());
  }

  @Test
  void task_unknown_saysWhichThereAre() {
    assertEquals(
        "UNKNOWN_TASK", refused(() -> new MtilSuite(folder).task("imagenet", 0, 0)).reason());
  }

  private static List<Integer> labels(List<LabelledPicture> pictures) {
    return pictures.stream().map(LabelledPicture::classIndex).toList();
  }

  private static ServingException refused(org.junit.jupiter.api.function.Executable reading) {
    return assertThrows(ServingException.class, reading);
  }
}
