package dev.perennial.server.training;

import dev.perennial.server.task.Prefixes;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * All that training needs to go on after a whole epoch with the same result: plain SGD has no state
 * but the prefixes, and the random sequences depend on seed and epoch. As bytes: a version, the
 * fields, and their CRC32C. Immutable.
 *
 * @param epoch epochs done; 0 for the start
 * @param present the prefixes after that epoch
 * @param best those of the best epoch
 * @param bestEpoch 0 where nothing was better than the start
 * @param accuracyBefore validation accuracy of the start; NaN where nothing is held out
 * @param accuracyBest validation accuracy of the best epoch; NaN where nothing is held out
 * @param accuracyHighest the highest of any epoch so far; NaN where nothing is held out
 * @param trainingLoss mean over the last epoch
 * @param trainingAccuracy over the last epoch
 */
record Checkpoint(
    int epoch,
    Prefixes present,
    Prefixes best,
    int bestEpoch,
    float accuracyBefore,
    float accuracyBest,
    float accuracyHighest,
    double trainingLoss,
    double trainingAccuracy) {

  private static final int VERSION = 1;

  byte[] write() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(VERSION);
      out.writeInt(epoch);
      out.writeInt(bestEpoch);
      out.writeFloat(accuracyBefore);
      out.writeFloat(accuracyBest);
      out.writeFloat(accuracyHighest);
      out.writeDouble(trainingLoss);
      out.writeDouble(trainingAccuracy);
      write(out, present);
      write(out, best);
      out.writeInt(checksum(bytes.toByteArray(), bytes.size()));
    } catch (IOException e) {
      throw new AssertionError("memory", e);
    }
    return bytes.toByteArray();
  }

  /** Empty where the bytes are no checkpoint: training then starts from the beginning. */
  static Optional<Checkpoint> read(byte[] bytes) {
    int end = bytes.length - Integer.BYTES;
    if (end < 0 || ByteBuffer.wrap(bytes).getInt(end) != checksum(bytes, end)) {
      return Optional.empty();
    }
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes, 0, end))) {
      if (in.readInt() != VERSION) {
        return Optional.empty();
      }
      int epoch = in.readInt();
      int bestEpoch = in.readInt();
      float before = in.readFloat();
      float best = in.readFloat();
      float highest = in.readFloat();
      double loss = in.readDouble();
      double accuracy = in.readDouble();
      Prefixes present = prefixes(in);
      Prefixes kept = prefixes(in);
      return Optional.of(
          new Checkpoint(epoch, present, kept, bestEpoch, before, best, highest, loss, accuracy));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static void write(DataOutputStream out, Prefixes prefixes) throws IOException {
    out.writeInt(prefixes.length());
    write(out, prefixes.imageKeys());
    write(out, prefixes.imageValues());
    write(out, prefixes.textKeys());
    write(out, prefixes.textValues());
  }

  private static void write(DataOutputStream out, List<float[]> layers) throws IOException {
    out.writeInt(layers.size());
    for (float[] layer : layers) {
      out.writeInt(layer.length);
      for (float value : layer) {
        out.writeInt(Float.floatToRawIntBits(value));
      }
    }
  }

  private static Prefixes prefixes(DataInputStream in) throws IOException {
    return new Prefixes(in.readInt(), layers(in), layers(in), layers(in), layers(in));
  }

  private static List<float[]> layers(DataInputStream in) throws IOException {
    int count = in.readInt();
    List<float[]> layers = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      float[] layer = new float[in.readInt()];
      for (int k = 0; k < layer.length; k++) {
        layer[k] = Float.intBitsToFloat(in.readInt());
      }
      layers.add(layer);
    }
    return List.copyOf(layers);
  }

  private static int checksum(byte[] bytes, int length) {
    CRC32C crc = new CRC32C();
    crc.update(bytes, 0, length);
    return (int) crc.getValue();
  }
}
