package dev.perennial.server.eval.data;

import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The binary version of CIFAR-100 (Krizhevsky 2009; the data set's page, "Binary version"): {@code
 * train.bin} and {@code test.bin} are records of one byte coarse label, one byte fine label and
 * 3072 bytes of pixels (32 x 32, a plane each of red, green and blue); {@code fine_label_names.txt}
 * names a class per line in label order. Stateless.
 */
final class CifarFiles {
  private static final int SIZE = 32;
  private static final int FINE_LABEL = 1;
  private static final int LABELS = 2;
  private static final int RECORD = LABELS + 3 * SIZE * SIZE;

  private CifarFiles() {}

  /** Reads names and labels, no pixels into memory. */
  static Split read(DataFolder folder) throws IOException {
    List<String> names =
        AircraftLists.lines(folder.file("fine_label_names.txt")).stream()
            .map(Split::spoken)
            .toList();
    return new Split(
        names,
        pictures(folder.file("train.bin"), names.size()),
        pictures(folder.file("test.bin"), names.size()));
  }

  private static List<LabelledPicture> pictures(Path file, int classes) throws IOException {
    long bytes = Files.size(file);
    if (bytes == 0 || bytes % RECORD != 0) {
      throw DataFaults.damaged(file, bytes + " bytes", "records of " + RECORD + " bytes");
    }
    List<LabelledPicture> pictures = new ArrayList<>();
    try (DataInputStream input =
        new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 16 * RECORD))) {
      byte[] record = new byte[RECORD];
      for (long offset = 0; offset < bytes; offset += RECORD) {
        input.readFully(record);
        int label = record[FINE_LABEL] & 0xff;
        if (label >= classes) {
          throw DataFaults.damaged(
              file,
              "label " + label + " in record " + offset / RECORD,
              "0.." + (classes - 1) + ", as fine_label_names.txt has it");
        }
        RawPicture picture =
            new RawPicture(file, offset + LABELS, SIZE, SIZE, RawPicture.Layout.PLANES);
        pictures.add(new LabelledPicture(picture, label));
      }
    }
    return pictures;
  }
}
