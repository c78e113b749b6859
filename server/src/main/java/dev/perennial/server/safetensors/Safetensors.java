package dev.perennial.server.safetensors;

import com.google.gson.stream.JsonWriter;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A safetensors file: metadata and named tensors. Immutable; safe for any thread.
 *
 * <p>A file is mapped in segments of whole tensors, so that it may be larger than one buffer. The
 * mapping lives as long as a tensor that views it; the file must not be truncated or rewritten in
 * place meanwhile (replacing it by a rename is fine).
 */
public final class Safetensors {
  /** Bytes of the header's length, a little-endian 64-bit number, at the start of a file. */
  private static final int LENGTH_BYTES = 8;

  /** Tensors start at multiples of this in files that we write. */
  private static final int ALIGNMENT = 8;

  /** A segment ends before the tensor that would make it longer; one tensor may be longer. */
  private static final long SEGMENT_BYTES = 1L << 30;

  private final Map<String, String> metadata;
  private final SortedMap<String, TensorData> tensors;

  private Safetensors(Map<String, String> metadata, Collection<TensorData> tensors) {
    this.metadata = metadata;
    SortedMap<String, TensorData> byName = new TreeMap<>();
    tensors.forEach(tensor -> byName.put(tensor.name(), tensor));
    this.tensors = Collections.unmodifiableSortedMap(byName);
  }

  /** Maps the file (any size); throws DATA_LOSS where header, offsets or sizes are inconsistent. */
  public static Safetensors open(Path file) {
    return open(file, SEGMENT_BYTES);
  }

  /** The same with a segment size of the caller's choice. */
  static Safetensors open(Path file, long segmentBytes) {
    String source = file.toString();
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer length = read(channel, 0, LENGTH_BYTES, source);
      int headerBytes = headerBytes(length, channel.size(), source);
      ByteBuffer json = read(channel, LENGTH_BYTES, headerBytes, source);
      long start = LENGTH_BYTES + (long) headerBytes;
      Header header = Header.parse(json, channel.size() - start, source);
      return new Safetensors(header.metadata(), map(channel, start, header, segmentBytes, source));
    } catch (IOException e) {
      throw new ServingException(
          ErrorCode.DATA_LOSS,
          "FILE_UNREADABLE",
          source + ": " + e + " (expected: a readable safetensors file)",
          e);
    }
  }

  /** The same for bytes in memory, from position to limit; the tensors view them. */
  public static Safetensors parse(ByteBuffer bytes) {
    String source = "safetensors in memory";
    ByteBuffer file = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (file.limit() < LENGTH_BYTES) {
      throw Header.damaged(
          source, "size: " + file.limit() + " (expected: at least " + LENGTH_BYTES + ")");
    }
    int headerBytes = headerBytes(file, file.limit(), source);
    int start = LENGTH_BYTES + headerBytes;
    Header header =
        Header.parse(file.slice(LENGTH_BYTES, headerBytes), file.limit() - start, source);
    List<TensorData> tensors = new ArrayList<>();
    for (Header.Entry entry : header.entries()) {
      int begin = start + Math.toIntExact(entry.begin());
      tensors.add(tensor(entry, file.slice(begin, Math.toIntExact(entry.end() - entry.begin()))));
    }
    return new Safetensors(header.metadata(), tensors);
  }

  /**
   * The file's bytes; the same input always gives the same bytes: metadata by key, tensors from
   * wide elements to narrow ones (which aligns them all) and then by name.
   *
   * @throws IllegalArgumentException where two tensors share a name, or the file would not fit an
   *     array
   */
  public static byte[] write(Map<String, String> metadata, Collection<TensorData> tensors) {
    List<TensorData> ordered = new ArrayList<>(tensors);
    ordered.sort(
        Comparator.comparingInt((TensorData tensor) -> -tensor.type().bytes())
            .thenComparing(TensorData::name));
    Set<String> names = new HashSet<>();
    long dataBytes = 0;
    for (TensorData tensor : ordered) {
      if (!names.add(tensor.name()) || tensor.name().equals("__metadata__")) {
        throw new IllegalArgumentException(
            "tensor name: " + tensor.name() + " (expected: distinct, not __metadata__)");
      }
      dataBytes += tensor.bytes().limit();
    }
    ByteBuffer json = utf8(headerJson(metadata, ordered));
    int headerBytes = (json.limit() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    long fileBytes = LENGTH_BYTES + headerBytes + dataBytes;
    if (headerBytes > Header.MAX_BYTES || fileBytes > Integer.MAX_VALUE - ALIGNMENT) {
      throw new IllegalArgumentException(
          "file size: " + fileBytes + " (expected: below 2 GiB, header below 100 MB)");
    }
    ByteBuffer file = ByteBuffer.allocate((int) fileBytes).order(ByteOrder.LITTLE_ENDIAN);
    file.putLong(headerBytes).put(json);
    while (file.position() < LENGTH_BYTES + headerBytes) {
      file.put((byte) ' ');
    }
    ordered.forEach(tensor -> file.put(tensor.bytes()));
    return file.array();
  }

  /** Sorted by key. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** By name, in name order. */
  public Map<String, TensorData> tensors() {
    return tensors;
  }

  /** The tensor of that name; throws DATA_LOSS if the file has none. */
  public TensorData tensor(String name) {
    TensorData tensor = tensors.get(name);
    if (tensor == null) {
      throw Header.damaged("safetensors", "tensor " + name + ": missing (expected: present)");
    }
    return tensor;
  }

  private static int headerBytes(ByteBuffer file, long fileBytes, String source) {
    long bytes = file.getLong(0);
    long max = Math.min(Header.MAX_BYTES, fileBytes - LENGTH_BYTES);
    if (bytes < 2 || bytes > max) {
      throw Header.damaged(source, "header size: " + bytes + " (expected: 2.." + max + ")");
    }
    return (int) bytes;
  }

  private static ByteBuffer read(FileChannel channel, long position, int bytes, String source)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw Header.damaged(
            source, "size: " + channel.size() + " (expected: at least " + (position + bytes) + ")");
      }
    }
    return buffer.flip();
  }

  private static List<TensorData> map(
      FileChannel channel, long start, Header header, long segmentBytes, String source)
      throws IOException {
    List<TensorData> tensors = new ArrayList<>();
    List<Header.Entry> entries = header.entries();
    int first = 0;
    while (first < entries.size()) {
      long begin = entries.get(first).begin();
      int end = first + 1;
      while (end < entries.size() && entries.get(end).end() - begin <= segmentBytes) {
        end++;
      }
      long size = entries.get(end - 1).end() - begin;
      if (size > Integer.MAX_VALUE) {
        throw new ServingException(
            ErrorCode.FAILED_PRECONDITION,
            "TENSOR_TOO_LARGE",
            source
                + ": tensor "
                + entries.get(first).name()
                + ": bytes: "
                + size
                + " (expected: below 2 GiB)");
      }
      ByteBuffer segment = channel.map(FileChannel.MapMode.READ_ONLY, start + begin, size);
      for (Header.Entry entry : entries.subList(first, end)) {
        tensors.add(
            tensor(
                entry,
                segment.slice((int) (entry.begin() - begin), (int) (entry.end() - entry.begin()))));
      }
      first = end;
    }
    return tensors;
  }

  private static TensorData tensor(Header.Entry entry, ByteBuffer bytes) {
    return new TensorData(entry.name(), entry.type(), entry.shape(), bytes);
  }

  private static String headerJson(Map<String, String> metadata, List<TensorData> tensors) {
    StringWriter text = new StringWriter();
    try (JsonWriter json = new JsonWriter(text)) {
      json.setHtmlSafe(false);
      json.beginObject();
      if (!metadata.isEmpty()) {
        json.name("__metadata__").beginObject();
        for (Map.Entry<String, String> entry : new TreeMap<>(metadata).entrySet()) {
          json.name(entry.getKey()).value(entry.getValue());
        }
        json.endObject();
      }
      long offset = 0;
      for (TensorData tensor : tensors) {
        json.name(tensor.name()).beginObject();
        json.name("dtype").value(tensor.type().name());
        json.name("shape").beginArray();
        for (long size : tensor.shape()) {
          json.value(size);
        }
        json.endArray();
        json.name("data_offsets").beginArray().value(offset);
        offset += tensor.bytes().limit();
        json.value(offset).endArray().endObject();
      }
      json.endObject();
    } catch (IOException e) {
      throw new UncheckedIOException("writing to a string", e);
    }
    return text.toString();
  }

  private static ByteBuffer utf8(String text) {
    try {
      return StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("names and metadata: not Unicode text", e);
    }
  }
}
