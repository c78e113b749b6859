package dev.perennial.server.safetensors;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.io.StringReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The checked header of a safetensors file: what lies where. As strict as the reference
 * implementation: the tensors fill the space behind the header without gap or overlap.
 *
 * @param entries in the order of their bytes
 */
record Header(Map<String, String> metadata, List<Entry> entries) {
  /** The bound of the reference implementation. */
  static final int MAX_BYTES = 100_000_000;

  /** Sizes of a tensor; PyTorch's own bound is 64. */
  private static final int MAX_RANK = 64;

  /** One tensor; offsets count from the end of the header. */
  record Entry(String name, DataType type, List<Long> shape, long begin, long end) {}

  /** A parser that lives for one header; {@code source} names the file in messages. */
  static Header parse(ByteBuffer json, long dataBytes, String source) {
    Parser parser = new Parser(source);
    Header header = parser.parse(json);
    long next = 0;
    for (Entry entry : header.entries) {
      if (entry.begin != next) {
        throw parser.damaged(
            entry.name,
            "first byte: " + entry.begin + " (expected: " + next + ", without gap or overlap)");
      }
      next = entry.end;
    }
    if (next != dataBytes) {
      throw damaged(source, "bytes behind the header: " + dataBytes + " (expected: " + next + ")");
    }
    return header;
  }

  static ServingException damaged(String source, String what) {
    return new ServingException(ErrorCode.DATA_LOSS, "SAFETENSORS_DAMAGED", source + ": " + what);
  }

  private static final class Parser {
    private final String source;
    private final Map<String, String> metadata = new TreeMap<>();
    private final List<Entry> entries = new ArrayList<>();

    Parser(String source) {
      this.source = source;
    }

    Header parse(ByteBuffer bytes) {
      try (JsonReader reader = new JsonReader(new StringReader(text(bytes)))) {
        reader.setStrictness(Strictness.STRICT);
        Set<String> names = new HashSet<>();
        reader.beginObject();
        while (reader.hasNext()) {
          String name = reader.nextName();
          if (!names.add(name)) {
            throw damaged(name, "named twice (expected: once)");
          }
          if (name.equals("__metadata__")) {
            readMetadata(reader);
          } else {
            entries.add(readEntry(reader, name));
          }
        }
        reader.endObject();
        if (reader.peek() != JsonToken.END_DOCUMENT) {
          throw Header.damaged(source, "text behind the header's object (expected: none)");
        }
      } catch (IOException | IllegalStateException | NumberFormatException e) {
        throw new ServingException(
            ErrorCode.DATA_LOSS,
            "SAFETENSORS_DAMAGED",
            source + ": header: " + e.getMessage() + " (expected: JSON of a safetensors header)",
            e);
      }
      entries.sort(
          Comparator.comparingLong(Entry::begin)
              .thenComparingLong(Entry::end)
              .thenComparing(Entry::name));
      return new Header(Collections.unmodifiableMap(metadata), List.copyOf(entries));
    }

    private String text(ByteBuffer bytes) {
      try {
        return StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPORT)
            .onUnmappableCharacter(CodingErrorAction.REPORT)
            .decode(bytes)
            .toString();
      } catch (CharacterCodingException e) {
        throw new ServingException(
            ErrorCode.DATA_LOSS, "SAFETENSORS_DAMAGED", source + ": header: not UTF-8", e);
      }
    }

    private void readMetadata(JsonReader reader) throws IOException {
      reader.beginObject();
      while (reader.hasNext()) {
        String key = reader.nextName();
        if (reader.peek() != JsonToken.STRING) {
          throw Header.damaged(
              source, "metadata " + key + ": " + reader.peek() + " (expected: a string)");
        }
        if (metadata.put(key, reader.nextString()) != null) {
          throw Header.damaged(source, "metadata " + key + ": given twice (expected: once)");
        }
      }
      reader.endObject();
    }

    private Entry readEntry(JsonReader reader, String name) throws IOException {
      @Nullable DataType type = null;
      @Nullable List<Long> shape = null;
      @Nullable List<Long> offsets = null;
      reader.beginObject();
      while (reader.hasNext()) {
        String key = reader.nextName();
        switch (key) {
          case "dtype" -> type = readType(reader, name);
          case "shape" -> shape = readSizes(reader, name, MAX_RANK);
          case "data_offsets" -> offsets = readSizes(reader, name, 2);
          default -> throw damaged(name, "key " + key + " (expected: dtype, shape, data_offsets)");
        }
      }
      reader.endObject();
      if (type == null || shape == null || offsets == null || offsets.size() != 2) {
        throw damaged(name, "incomplete (expected: dtype, shape and two data_offsets)");
      }
      Entry entry = new Entry(name, type, shape, offsets.get(0), offsets.get(1));
      long expected = expectedBytes(entry);
      if (entry.end - entry.begin != expected) {
        throw damaged(
            name,
            "bytes: "
                + (entry.end - entry.begin)
                + " (expected: "
                + expected
                + ", "
                + type
                + " "
                + shape
                + ")");
      }
      return entry;
    }

    private long expectedBytes(Entry entry) {
      long bytes = entry.type.bytes();
      try {
        for (long size : entry.shape) {
          bytes = Math.multiplyExact(bytes, size);
        }
      } catch (ArithmeticException e) {
        throw new ServingException(
            ErrorCode.DATA_LOSS,
            "SAFETENSORS_DAMAGED",
            source
                + ": tensor "
                + entry.name
                + ": shape: "
                + entry.shape
                + " (expected: below 2^63 bytes)",
            e);
      }
      return bytes;
    }

    private DataType readType(JsonReader reader, String name) throws IOException {
      String text = reader.nextString();
      DataType type = DataType.named(text);
      if (type == null) {
        throw new ServingException(
            ErrorCode.FAILED_PRECONDITION,
            "UNSUPPORTED_DATA_TYPE",
            source
                + ": tensor "
                + name
                + ": dtype: "
                + text
                + " (expected: one of "
                + List.of(DataType.values())
                + ")");
      }
      return type;
    }

    private List<Long> readSizes(JsonReader reader, String name, int maxCount) throws IOException {
      List<Long> sizes = new ArrayList<>();
      reader.beginArray();
      while (reader.hasNext()) {
        if (reader.peek() != JsonToken.NUMBER || sizes.size() == maxCount) {
          throw damaged(name, "more than " + maxCount + " sizes, or one that is no number");
        }
        long size = Long.parseLong(reader.nextString());
        if (size < 0) {
          throw damaged(name, "size: " + size + " (expected: 0 or more)");
        }
        sizes.add(size);
      }
      reader.endArray();
      return List.copyOf(sizes);
    }

    private ServingException damaged(String tensor, String what) {
      return Header.damaged(source, "tensor " + tensor + ": " + what);
    }
  }
}
