package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The examples of one committed job, read from its spool in any order; each read checks its
 * checksum. Owned by one thread.
 */
final class SpoolReader implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SpoolReader.class);

  private final FileChannel channel;
  private final long[] offsets;
  private final List<String> labels;

  private SpoolReader(FileChannel channel, long[] offsets, List<String> labels) {
    this.channel = channel;
    this.offsets = offsets;
    this.labels = labels;
  }

  /**
   * What a spool holds from its start up to the first damage, if there is any.
   *
   * @param bytes where the next record belongs
   * @param records examples and rejections
   * @param examplesOf number of examples by label
   */
  record Contents(long bytes, long records, Map<String, Integer> examplesOf) {}

  /** Reads and checks the whole file once; throws DATA_LOSS where it is not so many examples. */
  static SpoolReader open(Path file, long examples) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      long[] offsets = new long[Math.toIntExact(examples)];
      List<String> labels = new ArrayList<>(offsets.length);
      Map<String, String> shared = new HashMap<>(); // one String per class, not per example
      long position = 0;
      while (position < channel.size()) {
        SpoolRecord record = read(channel, position);
        Example example = record.example();
        if (example != null) {
          if (labels.size() == examples) {
            throw SpoolRecord.damaged("more than " + examples + " examples");
          }
          offsets[labels.size()] = position;
          labels.add(shared.computeIfAbsent(example.label(), label -> label));
        }
        position += record.bytes();
      }
      if (labels.size() < examples) {
        throw SpoolRecord.damaged(labels.size() + " examples (expected: " + examples + ")");
      }
      return new SpoolReader(channel, offsets, labels);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
  }

  /** What can be gone on with: a crash may have torn the last record. */
  static Contents contents(Path file) throws IOException {
    Map<String, Integer> examplesOf = new TreeMap<>();
    long position = 0;
    long records = 0;
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      while (position < channel.size()) {
        SpoolRecord record = read(channel, position);
        Example example = record.example();
        if (example != null) {
          examplesOf.merge(example.label(), 1, Integer::sum);
        }
        position += record.bytes();
        records++;
      }
    } catch (ServingException e) {
      log.warn("{}: ends after {} examples: {}", file, records, e.getMessage());
    }
    return new Contents(position, records, examplesOf);
  }

  int size() {
    return offsets.length;
  }

  String label(int index) {
    return labels.get(index);
  }

  /** Throws DATA_LOSS. */
  ExampleImage image(int index) {
    try {
      return Objects.requireNonNull(read(channel, offsets[index]).example()).image();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }

  private static ByteBuffer header(FileChannel channel, long position) throws IOException {
    ByteBuffer header = ByteBuffer.allocate(SpoolRecord.HEADER_BYTES);
    fill(channel, position, header);
    int length = header.getInt(0);
    if (length < 0 || length > channel.size() - position - SpoolRecord.HEADER_BYTES) {
      throw SpoolRecord.damaged("length " + length + " at byte " + position);
    }
    return header;
  }

  private static SpoolRecord read(FileChannel channel, long position) throws IOException {
    ByteBuffer header = header(channel, position);
    byte[] body = new byte[header.getInt(0)];
    fill(channel, position + SpoolRecord.HEADER_BYTES, ByteBuffer.wrap(body));
    return new SpoolRecord(body, header.getInt(4));
  }

  private static void fill(FileChannel channel, long position, ByteBuffer buffer)
      throws IOException {
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, position + buffer.position()) < 0) {
        throw SpoolRecord.damaged("file ends at byte " + channel.size());
      }
    }
  }
}
