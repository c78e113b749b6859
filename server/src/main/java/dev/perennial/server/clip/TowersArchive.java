package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram;
import dev.perennial.server.clip.ClipConfig.Activation;
import dev.perennial.server.clip.ClipConfig.Tower;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Packs the towers' source into the archive that libtorch loads: a zip of stored entries with the
 * code, and a pickle of a module that has no attributes. Built at start, for the model at hand; no
 * Python is involved.
 */
final class TowersArchive {
  private static final String SOURCE = "towers.py";
  private static final String CLASS = "Towers";

  /** Pickle, protocol 2, of an empty tuple: PROTO 2, EMPTY_TUPLE, STOP. */
  private static final byte[] NO_CONSTANTS = {(byte) 0x80, 2, ')', '.'};

  private TowersArchive() {}

  /** The program for a model of that shape. */
  static TorchProgram load(ClipConfig config) {
    try {
      Path file = Files.createTempFile("towers", ".pt");
      try {
        Files.write(file, archive(source(config)));
        return TorchProgram.load(file);
      } finally {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("could not write the towers' program", e);
    }
  }

  /** The text with the model's numbers in place. */
  static String source(ClipConfig config) {
    int grid = config.imageSize() / config.patchSize();
    Map<String, String> numbers = new LinkedHashMap<>();
    numbers.put("IMAGE_CROP", Integer.toString(grid * config.patchSize()));
    numbers.put("IMAGE_GRID", Integer.toString(grid));
    numbers.put("PATCH", Integer.toString(config.patchSize()));
    tower(numbers, "IMAGE", config.image());
    tower(numbers, "TEXT", config.text());
    String source = template();
    for (Map.Entry<String, String> number : numbers.entrySet()) {
      source = source.replaceAll("\\b" + number.getKey() + "\\b", number.getValue());
    }
    return source;
  }

  private static void tower(Map<String, String> numbers, String name, Tower tower) {
    numbers.put(name + "_WIDTH", Integer.toString(tower.width()));
    numbers.put(name + "_LAYERS", Integer.toString(tower.layers()));
    numbers.put(name + "_HEADS", Integer.toString(tower.heads()));
    numbers.put(name + "_EPSILON", Double.toString(tower.layerNormEpsilon()));
    numbers.put(name + "_QUICK", tower.activation() == Activation.QUICK_GELU ? "True" : "False");
  }

  private static String template() {
    try (InputStream in = TowersArchive.class.getResourceAsStream(SOURCE)) {
      if (in == null) {
        throw new IllegalStateException("resource: " + SOURCE + " is missing");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static byte[] archive(String source) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      store(zip, "towers/data.pkl", module());
      store(zip, "towers/code/__torch__.py", source.getBytes(StandardCharsets.UTF_8));
      store(zip, "towers/constants.pkl", NO_CONSTANTS);
      store(zip, "towers/version", "3\n".getBytes(StandardCharsets.US_ASCII));
      store(zip, "towers/byteorder", "little".getBytes(StandardCharsets.US_ASCII));
    }
    return bytes.toByteArray();
  }

  private static void store(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(content.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }

  /** Pickle, protocol 2, of {@code Towers} with the one attribute {@code training = False}. */
  private static byte[] module() throws IOException {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.write(new byte[] {(byte) 0x80, 2}); // PROTO 2
    ascii(pickle, "c__torch__\n" + CLASS + "\n"); // GLOBAL
    ascii(pickle, ")"); // EMPTY_TUPLE
    pickle.write(0x81); // NEWOBJ
    ascii(pickle, "}"); // EMPTY_DICT
    String name = "training";
    pickle.write(new byte[] {'X', (byte) name.length(), 0, 0, 0}); // BINUNICODE, length
    ascii(pickle, name);
    pickle.write(0x89); // NEWFALSE
    ascii(pickle, "sb."); // SETITEM, BUILD, STOP
    return pickle.toByteArray();
  }

  private static void ascii(OutputStream out, String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.US_ASCII));
  }
}
