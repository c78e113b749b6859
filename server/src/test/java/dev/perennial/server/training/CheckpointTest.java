package dev.perennial.server.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.task.Prefixes;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class CheckpointTest {

  private static final Checkpoint SAVED =
      new Checkpoint(3, prefixes(1f), prefixes(-0f), 2, Float.NaN, 0.25f, 0.375f, 1.5, 0.75);

  @Test
  void read_written_isTheSameToTheBit() {
    Checkpoint back = Checkpoint.read(SAVED.write()).orElseThrow();
    Bits.assertPrefixes(SAVED.present(), back.present());
    Bits.assertPrefixes(SAVED.best(), back.best());
    assertEquals(3, back.epoch());
    assertEquals(2, back.bestEpoch());
    assertEquals(Float.NaN, back.accuracyBefore());
    assertEquals(0.25f, back.accuracyBest());
    assertEquals(0.375f, back.accuracyHighest());
    assertEquals(1.5, back.trainingLoss());
    assertEquals(0.75, back.trainingAccuracy());
  }

  @Test
  void read_anyDamage_isNone() {
    byte[] whole = SAVED.write();
    for (int i = 0; i < whole.length; i++) {
      byte[] flipped = whole.clone();
      flipped[i] ^= 0x10;
      assertTrue(Checkpoint.read(flipped).isEmpty(), "flipped byte " + i);
      assertTrue(Checkpoint.read(Arrays.copyOf(whole, i)).isEmpty(), "cut at " + i);
    }
  }

  /** Training then starts anew, with the same result. */
  @Test
  void read_versionOfNewerSoftware_isNone() {
    byte[] newer = SAVED.write();
    ByteBuffer.wrap(newer).putInt(0, 2);
    CRC32C crc = new CRC32C();
    crc.update(newer, 0, newer.length - Integer.BYTES);
    ByteBuffer.wrap(newer).putInt(newer.length - Integer.BYTES, (int) crc.getValue());
    assertTrue(Checkpoint.read(newer).isEmpty());
    ByteBuffer.wrap(newer).putInt(0, 1);
    crc.reset();
    crc.update(newer, 0, newer.length - Integer.BYTES);
    ByteBuffer.wrap(newer).putInt(newer.length - Integer.BYTES, (int) crc.getValue());
    assertEquals(3, Checkpoint.read(newer).orElseThrow().epoch());
  }

  private static Prefixes prefixes(float value) {
    List<float[]> image = List.of(new float[] {value, Float.MIN_VALUE}, new float[] {3, 4});
    List<float[]> text = List.of(new float[] {value, Float.MAX_VALUE});
    return new Prefixes(1, image, image, text, text);
  }
}
