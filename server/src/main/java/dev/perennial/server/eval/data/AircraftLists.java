package dev.perennial.server.eval.data;

import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The text lists of FGVC-Aircraft (Maji et al. 2013, arXiv 1306.5151; README of release 2013b):
 * {@code variants.txt} names a class per line in label order; {@code images_variant_trainval.txt}
 * and {@code images_variant_test.txt} hold "image number, space, variant" per line; pictures are
 * {@code images/NUMBER.jpg}. Trainval is the union of the lists train and val. Stateless.
 */
final class AircraftLists {
  private AircraftLists() {}

  /** Reads the lists, no picture. */
  static Split read(DataFolder folder) throws IOException {
    List<String> variants = lines(folder.file("variants.txt"));
    return new Split(
        variants,
        pictures(folder, "images_variant_trainval.txt", variants),
        pictures(folder, "images_variant_test.txt", variants));
  }

  private static List<LabelledPicture> pictures(
      DataFolder folder, String name, List<String> variants) throws IOException {
    Map<String, Integer> labels = new HashMap<>();
    variants.forEach(variant -> labels.put(variant, labels.size()));
    Path list = folder.file(name);
    DataFolder images = folder.below("images");
    List<LabelledPicture> pictures = new ArrayList<>();
    for (String line : lines(list)) {
      int space = line.indexOf(' ');
      Integer label = space < 0 ? null : labels.get(line.substring(space + 1).strip());
      if (label == null) {
        throw DataFaults.damaged(
            list, "line \"" + line + "\"", "an image number and a variant of variants.txt");
      }
      PictureFile picture = images.picture(list, line.substring(0, space) + ".jpg");
      pictures.add(new LabelledPicture(picture, label));
    }
    return pictures;
  }

  /** Lines without what surrounds them; empty ones are left out. */
  static List<String> lines(Path file) throws IOException {
    try {
      return Files.readAllLines(file).stream()
          .map(String::strip)
          .filter(line -> !line.isEmpty())
          .toList();
    } catch (CharacterCodingException e) {
      throw DataFaults.damaged(file, "bytes that are no UTF-8", "lines of text", e);
    }
  }
}
