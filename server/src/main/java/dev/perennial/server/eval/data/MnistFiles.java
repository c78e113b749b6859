package dev.perennial.server.eval.data;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/**
 * MNIST's four files (LeCun et al. 1998) under the names of its page, plain or packed as {@code
 * .gz}: grey pictures of 28 x 28, labels 0 to 9. Class names as in torchvision, which ZSCL and DIKI
 * use. Stateless.
 */
final class MnistFiles {
  private static final List<String> NAMES =
      List.of(
          "0 - zero",
          "1 - one",
          "2 - two",
          "3 - three",
          "4 - four",
          "5 - five",
          "6 - six",
          "7 - seven",
          "8 - eight",
          "9 - nine");

  private MnistFiles() {}

  /** Reads labels, no pixels. */
  static Split read(DataFolder folder) throws IOException {
    return new Split(NAMES, pictures(folder, "train"), pictures(folder, "t10k"));
  }

  private static List<LabelledPicture> pictures(DataFolder folder, String part) throws IOException {
    IdxFile images = IdxFile.open(folder, part + "-images-idx3-ubyte", 3); // (count, rows, columns)
    IdxFile labels = IdxFile.open(folder, part + "-labels-idx1-ubyte", 1); // (count)
    byte[] values = labels.values();
    int height = images.shape()[1];
    int width = images.shape()[2];
    if (values.length != images.shape()[0]) {
      throw DataFaults.damaged(
          images.path(), images.shape()[0] + " pictures", values.length + ", one a label");
    }
    List<LabelledPicture> pictures = new ArrayList<>(values.length);
    for (int i = 0; i < values.length; i++) {
      int label = values[i] & 0xff;
      if (label >= NAMES.size()) {
        throw DataFaults.damaged(labels.path(), "label " + label + " at " + i, "0..9");
      }
      long offset = images.headerBytes() + (long) i * height * width;
      RawPicture picture =
          new RawPicture(images.path(), offset, width, height, RawPicture.Layout.GREY);
      pictures.add(new LabelledPicture(picture, label));
    }
    return pictures;
  }
}
