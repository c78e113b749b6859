package dev.perennial.server.eval.data;

import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.PngImages;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import javax.imageio.ImageIO;

/** Writes miniature data sets in the layouts of the field: real files, few of them. */
final class MtilTree {
  private static final int SIZE = 8;

  private final Path root;

  MtilTree(Path root) {
    this.root = root;
  }

  Path root() {
    return root;
  }

  /** A real JPEG whose grey tells pictures apart. */
  static byte[] jpeg(int grey) {
    return encoded(grey, "jpg");
  }

  static byte[] png(int grey) {
    return encoded(grey, "png");
  }

  void file(String name, byte[] bytes) throws IOException {
    Path file = root.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, bytes);
  }

  void text(String name, String... lines) throws IOException {
    file(name, (String.join("\n", lines) + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  /**
   * A CoOp split of two classes with its pictures: 3 train and 1 val of each class, and 2 test.
   *
   * @param pictures the picture folder below the data set's
   */
  void coop(String folder, String splitFile, String pictures, String... classNames)
      throws IOException {
    List<String> train = new ArrayList<>();
    List<String> val = new ArrayList<>();
    List<String> test = new ArrayList<>();
    for (int label = 0; label < classNames.length; label++) {
      for (int i = 0; i < 6; i++) {
        String path = "folder%d/image_%04d.jpg".formatted(label, i);
        file(folder + "/" + pictures + "/" + path, jpeg(40 * i + 10 * label));
        (i < 3 ? train : i < 4 ? val : test)
            .add("[\"%s\", %d, \"%s\"]".formatted(path, label, classNames[label]));
      }
    }
    text(
        folder + "/" + splitFile,
        "{\"train\": [%s], \"val\": [%s], \"test\": [%s]}"
            .formatted(String.join(",", train), String.join(",", val), String.join(",", test)));
  }

  void aircraft() throws IOException {
    text("fgvc_aircraft/variants.txt", "707-320", "Cessna 172");
    text(
        "fgvc_aircraft/images_variant_trainval.txt",
        "0000001 Cessna 172",
        "0000002 707-320",
        "0000003 707-320");
    text("fgvc_aircraft/images_variant_test.txt", "0000004 Cessna 172");
    for (int i = 1; i <= 4; i++) {
      file("fgvc_aircraft/images/000000" + i + ".jpg", jpeg(i));
    }
  }

  /** Two classes; the record's pixels count up from the fine label in each plane. */
  void cifar() throws IOException {
    text("cifar100/fine_label_names.txt", "apple", "aquarium_fish", "");
    file("cifar100/train.bin", cifarRecords(1, 0, 1));
    file("cifar100/test.bin", cifarRecords(0));
  }

  static byte[] cifarRecords(int... fineLabels) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int label : fineLabels) {
      bytes.write(99); // the coarse label, which nobody asks for
      bytes.write(label);
      for (int plane = 0; plane < 3; plane++) {
        for (int pixel = 0; pixel < 1024; pixel++) {
          bytes.write(label + 50 * plane + pixel / 32);
        }
      }
    }
    return bytes.toByteArray();
  }

  void mnist(boolean packed) throws IOException {
    String ending = packed ? ".gz" : "";
    file("mnist/train-images-idx3-ubyte" + ending, maybePacked(idxImages(3), packed));
    file("mnist/train-labels-idx1-ubyte" + ending, maybePacked(idxLabels(7, 0, 7), packed));
    file("mnist/t10k-images-idx3-ubyte" + ending, maybePacked(idxImages(1), packed));
    file("mnist/t10k-labels-idx1-ubyte" + ending, maybePacked(idxLabels(9), packed));
  }

  /** (count, 2, 3): the value is 100 * picture + 10 * row + column. */
  static byte[] idxImages(int count) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(bytes);
    data.writeInt(0x00000803);
    data.writeInt(count);
    data.writeInt(2);
    data.writeInt(3);
    for (int picture = 0; picture < count; picture++) {
      for (int pixel = 0; pixel < 6; pixel++) {
        data.writeByte(100 * picture + 10 * (pixel / 3) + pixel % 3);
      }
    }
    return bytes.toByteArray();
  }

  static byte[] idxLabels(int... labels) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    DataOutputStream data = new DataOutputStream(bytes);
    data.writeInt(0x00000801);
    data.writeInt(labels.length);
    for (int label : labels) {
      data.writeByte(label);
    }
    return bytes.toByteArray();
  }

  static byte[] packed(byte[] plain) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (OutputStream gzip = new GZIPOutputStream(bytes)) {
      gzip.write(plain);
    }
    return bytes.toByteArray();
  }

  private static byte[] maybePacked(byte[] plain, boolean packed) throws IOException {
    return packed ? packed(plain) : plain;
  }

  private static byte[] encoded(int grey, String form) {
    byte[] rgb = new byte[3 * SIZE * SIZE];
    java.util.Arrays.fill(rgb, (byte) grey);
    byte[] png = PngImages.encode(new RgbImage(SIZE, SIZE, rgb));
    if (form.equals("png")) {
      return png;
    }
    try {
      BufferedImage picture = ImageIO.read(new java.io.ByteArrayInputStream(png));
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      ImageIO.write(picture, form, bytes);
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e); // memory only
    }
  }
}
