package dev.perennial.server.eval.data;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * One of the eleven data sets of MTIL (ZSCL, ICCV 2023, section 4.1): what it is called, where its
 * files lie, and the sentence around its class names.
 *
 * <p>Folders and split files are those of CoOp's DATASETS.md, which DIKI took over and extended by
 * MNIST and CIFAR-100 (repository lloongx/DIKI, docs/datasets.md). Templates are the first of each
 * data set in ZSCL's mtil/src/datasets/collections.py, and the same in DIKI; CoOp's own differ for
 * DTD ("{} texture."), StanfordCars ("a photo of a {}.") and Food101 ("a photo of {}, a type of
 * food."). New class names are CoOp's for Caltech101 and EuroSAT; its published split files have
 * them already.
 *
 * @param task ZSCL's name in small letters, as tasks are named
 * @param folder below the folder that holds all data sets
 * @param template the sentence around a class name
 * @param home where users get the data
 */
record MtilDataSet(String task, String folder, String template, String home, FolderReader reader) {
  /** By the alphabet. */
  static final List<MtilDataSet> ALL =
      List.of(
          new MtilDataSet(
              "aircraft",
              "fgvc_aircraft",
              "a photo of a {}, a type of aircraft.",
              "https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
              AircraftLists::read),
          new MtilDataSet(
              "caltech101",
              "caltech-101",
              "a photo of a {}.",
              "https://data.caltech.edu/records/mzrjq-6wc02",
              split(
                  "split_zhou_Caltech101.json",
                  "101_ObjectCategories",
                  Map.of(
                      "airplanes", "airplane",
                      "Faces", "face",
                      "Leopards", "leopard",
                      "Motorbikes", "motorbike"))),
          new MtilDataSet(
              "cifar100",
              "cifar100",
              "a photo of a {}.",
              "https://www.cs.toronto.edu/~kriz/cifar.html",
              CifarFiles::read),
          new MtilDataSet(
              "dtd",
              "dtd",
              "a photo of a {} texture.",
              "https://www.robots.ox.ac.uk/~vgg/data/dtd/",
              split("split_zhou_DescribableTextures.json", "images", Map.of())),
          new MtilDataSet(
              "eurosat",
              "eurosat",
              "a centered satellite photo of {}.",
              "https://github.com/phelber/EuroSAT",
              split(
                  "split_zhou_EuroSAT.json",
                  "2750",
                  Map.of(
                      "AnnualCrop", "Annual Crop Land",
                      "HerbaceousVegetation", "Herbaceous Vegetation Land",
                      "Highway", "Highway or Road",
                      "Industrial", "Industrial Buildings",
                      "Pasture", "Pasture Land",
                      "PermanentCrop", "Permanent Crop Land",
                      "Residential", "Residential Buildings",
                      "SeaLake", "Sea or Lake"))),
          new MtilDataSet(
              "flowers",
              "oxford_flowers",
              "a photo of a {}, a type of flower.",
              "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/",
              split("split_zhou_OxfordFlowers.json", "jpg", Map.of())),
          new MtilDataSet(
              "food",
              "food-101",
              "a photo of a {}, a type of food.",
              "https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101/",
              split("split_zhou_Food101.json", "images", Map.of())),
          new MtilDataSet(
              "mnist",
              "mnist",
              "a photo of the number: \"{}\".",
              "http://yann.lecun.com/exdb/mnist/",
              MnistFiles::read),
          new MtilDataSet(
              "oxford-pet",
              "oxford_pets",
              "a photo of a {}, a type of pet.",
              "https://www.robots.ox.ac.uk/~vgg/data/pets/",
              split("split_zhou_OxfordPets.json", "images", Map.of())),
          new MtilDataSet(
              "stanford-cars",
              "stanford_cars",
              "a photo of a {}, a type of car.",
              "http://ai.stanford.edu/~jkrause/cars/car_dataset.html",
              split("split_zhou_StanfordCars.json", ".", Map.of())),
          new MtilDataSet(
              "sun397",
              "sun397",
              "a photo of a {}.",
              "https://vision.princeton.edu/projects/2010/SUN/",
              split("split_zhou_SUN397.json", "SUN397", Map.of())));

  /** Reads what a data set's folder says, no picture. */
  interface FolderReader {
    Split read(DataFolder folder) throws IOException;
  }

  /** What the files are and where they come from, for messages. */
  String origin() {
    return folder + "; how to lay it out: server/docs/mtil.md, data: " + home;
  }

  /**
   * Reads the lists.
   *
   * @param root the folder that holds all data sets
   */
  Split read(Path root) throws IOException {
    return reader.read(new DataFolder(root.resolve(folder), origin()));
  }

  private static FolderReader split(String file, String pictures, Map<String, String> newNames) {
    return folder -> CoopSplitFile.read(folder.file(file), folder.below(pictures), newNames);
  }
}
