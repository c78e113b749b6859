package dev.perennial.server.eval;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.data.LabelledPicture;
import dev.perennial.server.eval.data.MiniMtilSuite;
import dev.perennial.server.eval.data.PictureSource;
import dev.perennial.server.image.Preprocessing;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PictureSetTest {
  private static final Preprocessing PREPROCESSING = Pictures.ENGINE.directory().preprocessing();
  private static final long BYTES_EACH =
      3L * PREPROCESSING.imageSize() * PREPROCESSING.imageSize() * Float.BYTES;

  private final AtomicInteger reads = new AtomicInteger();
  private final List<LabelledPicture> pictures =
      new MiniMtilSuite(1)
          .task("digits", 1, 1).train().stream()
              .limit(3)
              .map(picture -> new LabelledPicture(() -> read(picture), picture.classIndex()))
              .toList();

  private byte[] read(LabelledPicture picture) throws IOException {
    reads.incrementAndGet();
    return picture.picture().encoded();
  }

  @Test
  void pixels_setThatFits_isDecodedOnce() {
    assertEquals(3, readsOf(3 * BYTES_EACH));
  }

  @Test
  void pixels_oneByteTooLittle_nothingIsKept() {
    assertEquals(6, readsOf(3 * BYTES_EACH - 1));
  }

  /** The memory is for all sets together. */
  @Test
  void pixels_secondSet_hasWhatTheFirstLeft() {
    PictureSet.Decoding decoding = new PictureSet.Decoding(PREPROCESSING, 5 * BYTES_EACH);
    PictureSet first = new PictureSet(pictures, decoding);
    PictureSet second = new PictureSet(pictures, decoding);
    for (int round = 0; round < 2; round++) {
      first.pixels(0, 3);
      second.pixels(0, 3);
    }
    assertEquals(3 + 6, reads.get());
  }

  @Test
  void pixels_unreadablePicture_isDataLossAndNamesIt() {
    ServingException failure =
        failure(
            () -> {
              throw new IOException("gone");
            });
    assertTrue(failure.toString().contains("(gone)"), failure::toString);
  }

  @Test
  void pixels_pictureThatIsNone_isDataLossAndNamesIt() {
    ServingException failure = failure(() -> new byte[] {1, 2, 3});
    assertTrue(failure.toString().contains("JPEG"), failure::toString);
  }

  private static ServingException failure(PictureSource source) {
    LabelledPicture bad = new LabelledPicture(source, 0);
    PictureSet set = new PictureSet(List.of(bad), new PictureSet.Decoding(PREPROCESSING, 0));
    ServingException failure = assertThrows(ServingException.class, () -> set.pixels(0));
    assertEquals(ErrorCode.DATA_LOSS, failure.code());
    assertTrue(failure.toString().contains(source.toString()), failure::toString);
    return failure;
  }

  private int readsOf(long bytes) {
    PictureSet set = new PictureSet(pictures, new PictureSet.Decoding(PREPROCESSING, bytes));
    List<float[]> once = set.pixels(0, 3);
    List<float[]> again = set.pixels(0, 3);
    for (int i = 0; i < 3; i++) {
      assertArrayEquals(once.get(i), again.get(i));
      assertEquals(i, set.classOf(i));
    }
    return reads.get();
  }
}
