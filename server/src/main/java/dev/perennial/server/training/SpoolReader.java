package dev.perennial.server.training;

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

/**
 * The examples of one committed job, read from its spool in any order; each read checks its
 * checksum. Owned by one thread.
 */
final class SpoolReader implements AutoCloseable {

  private final FileChannel channel;
  private final long[] offsets;
  private final List<String> labels;

  private SpoolReader(FileChannel channel, long[] offsets, List<String> labels) {
    this.channel = channel;
    this.offsets = offsets;
    this.labels = labels;
  }

  /** Reads and checks the whole file once; throws DATA_LOSS where it is not so many examples. */
  static SpoolReader open(Path file, long examples) throws IOException {
    FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
    try {
      long[] offsets = new long[Math.toIntExact(examples)];
      List<String> labels = new ArrayList<>(offsets.length);
      Map<String, String> shared = new HashMap<>(); // one String per class, not per example
      long position = 0;
      for (int i = 0; i < offsets.length; i++) {
        offsets[i] = position;
        ByteBuffer header = header(channel, position);
        Example example = read(channel, position);
        labels.add(shared.computeIfAbsent(example.label(), label -> label));
        position += SpoolRecord.HEADER_BYTES + header.getInt(0);
      }
      if (position != channel.size()) {
        throw SpoolRecord.damaged(channel.size() + " bytes (expected: " + position + ")");
      }
      return new SpoolReader(channel, offsets, labels);
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
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
      return read(channel, offsets[index]).image();
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

  private static Example read(FileChannel channel, long position) throws IOException {
    ByteBuffer header = header(channel, position);
    byte[] body = new byte[header.getInt(0)];
    fill(channel, position + SpoolRecord.HEADER_BYTES, ByteBuffer.wrap(body));
    return SpoolRecord.decode(body, header.getInt(4));
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
