package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class UploadWindowTest {
  private static final int SIZE = 1 << 20;

  @Test
  void hasRoom_nothingAcknowledged_endsAtTheBound() {
    AtomicInteger read = new AtomicInteger();
    Stream<Example> endless =
        Stream.generate(
            () -> {
              read.incrementAndGet();
              return new Example(Image.png(new byte[SIZE]), "x");
            });
    try (UploadWindow window = new UploadWindow(Examples.once(endless))) {
      while (window.hasRoom()) {
        assertTrue(window.hasNext());
        window.next();
      }
      long bound = UploadWindow.MAX_BYTES / SIZE;
      assertEquals(bound, window.sent());
      window.acknowledged(2);
      assertTrue(window.hasRoom());
      window.next();
      window.next();
      assertFalse(window.hasRoom());
      // What is kept may always be sent again.
      window.goOnAt(2);
      assertTrue(window.hasRoom());
      int before = read.get();
      for (long i = 2; i < bound + 2; i++) {
        window.next();
      }
      assertEquals(before, read.get());
      assertEquals(bound + 2, window.sent());
      assertFalse(window.hasRoom());
    }
  }
}
