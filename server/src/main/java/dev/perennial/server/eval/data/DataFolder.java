package dev.perennial.server.eval.data;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/**
 * One data set's folder on disk.
 *
 * @param path absolute
 * @param origin what is kept there and where to get it, for messages
 */
record DataFolder(Path path, String origin) {
  DataFolder {
    path = path.toAbsolutePath().normalize();
  }

  /** A folder below this one. */
  DataFolder below(String name) {
    return new DataFolder(path.resolve(name), origin);
  }

  /** The file of this name; fails where it is not there. */
  Path file(String name) {
    Path file = path.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw DataFaults.missing(file, "a file of " + origin);
    }
    return file;
  }

  /**
   * The picture at a path that a list names. The picture need not exist yet, but must lie in here:
   * a list from elsewhere cannot name other files of this machine.
   *
   * @param list the file that names it, for messages
   */
  PictureFile picture(Path list, String name) {
    if (!liesInside(name)) {
      throw DataFaults.damaged(
          list, "picture \"" + name + "\"", "a path inside " + path + ", without ..");
    }
    return new PictureFile(path, name);
  }

  private boolean liesInside(String name) {
    try {
      Path relative = Path.of(name);
      if (name.isEmpty() || relative.isAbsolute()) {
        return false;
      }
      for (Path part : relative) {
        if (part.toString().equals("..")) {
          return false;
        }
      }
      return true;
    } catch (InvalidPathException e) {
      return false;
    }
  }
}
