package dev.perennial.server.eval.data;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * An image file, read whole each time it is asked for.
 *
 * @param folder shared by many pictures
 * @param name path below the folder
 */
record PictureFile(Path folder, String name) implements PictureSource {
  @Override
  public byte[] encoded() throws IOException {
    return Files.readAllBytes(path());
  }

  /** Fails at the first picture that is a file and not there: better now than hours later. */
  static void requirePresent(List<LabelledPicture> pictures, String origin) {
    for (LabelledPicture picture : pictures) {
      if (picture.picture() instanceof PictureFile file && !Files.isRegularFile(file.path())) {
        throw DataFaults.missing(file.path(), "a picture of " + origin);
      }
    }
  }

  private Path path() {
    return folder.resolve(name);
  }

  @Override
  public String toString() {
    return path().toString();
  }
}
