package dev.perennial.server.eval.data;

import com.google.gson.stream.JsonReader;
import com.google.gson.stream.MalformedJsonException;
import java.io.EOFException;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * CoOp's split files, {@code split_zhou_*.json} (Zhou et al., IJCV 2022; the repository
 * KaiyangZhou/CoOp, DATASETS.md): one object with the lists {@code train}, {@code val} and {@code
 * test}, whose elements are {@code [path below the picture folder, label from 0, class name]}.
 *
 * <p>DIKI (ECCV 2024) measures MTIL on these splits. It learns from {@code train} and chooses the
 * epoch on {@code val}; here both are training pictures, since each method holds its own validation
 * pictures out of those.
 */
final class CoopSplitFile {
  private final Path file;
  private final DataFolder pictures;
  private final Map<String, String> newNames;
  private final Map<Integer, String> classNames = new TreeMap<>();

  private CoopSplitFile(Path file, DataFolder pictures, Map<String, String> newNames) {
    this.file = file;
    this.pictures = pictures;
    this.newNames = newNames;
  }

  /**
   * Reads the lists, no picture.
   *
   * @param pictures where the paths begin
   * @param newNames CoOp's names for classes whose own name says little; others keep theirs
   */
  static Split read(Path file, DataFolder pictures, Map<String, String> newNames)
      throws IOException {
    return new CoopSplitFile(file, pictures, newNames).read();
  }

  private Split read() throws IOException {
    List<LabelledPicture> train = new ArrayList<>();
    List<LabelledPicture> val = new ArrayList<>();
    List<LabelledPicture> test = new ArrayList<>();
    Map<String, List<LabelledPicture>> lists = Map.of("train", train, "val", val, "test", test);
    try (Reader text = Files.newBufferedReader(file);
        JsonReader json = new JsonReader(text)) {
      json.beginObject();
      while (json.hasNext()) {
        List<LabelledPicture> list = lists.get(json.nextName());
        if (list == null) {
          json.skipValue();
        } else {
          readList(json, list);
        }
      }
      json.endObject();
    } catch (MalformedJsonException
        | EOFException
        | java.nio.charset.CharacterCodingException
        | IllegalStateException
        | NumberFormatException e) {
      throw DataFaults.damaged(
          file,
          "not in CoOp's form: " + e.getMessage(),
          "train, val and test with [path, label, class name]",
          e);
    }
    train.addAll(val);
    return new Split(namesInOrder(), train, test);
  }

  private void readList(JsonReader json, List<LabelledPicture> list) throws IOException {
    json.beginArray();
    while (json.hasNext()) {
      json.beginArray();
      String path = json.nextString();
      int label = json.nextInt();
      String className = json.nextString();
      json.endArray();
      name(label, Split.spoken(newNames.getOrDefault(className, className)));
      list.add(new LabelledPicture(pictures.picture(file, path), label));
    }
    json.endArray();
  }

  private void name(int label, String className) {
    String before = classNames.putIfAbsent(label, className);
    if (before != null && !before.equals(className)) {
      throw DataFaults.damaged(
          file, "label " + label + ": " + before + " and " + className, "one class name a label");
    }
  }

  private List<String> namesInOrder() {
    int expected = 0;
    for (int label : classNames.keySet()) {
      if (label != expected) {
        throw DataFaults.damaged(
            file, "label " + label, "labels from 0 without a gap; next is " + expected);
      }
      expected++;
    }
    return List.copyOf(classNames.values());
  }
}
