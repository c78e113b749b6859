package dev.perennial.server.image;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DecodePoolTest {
  private static final RgbImage PIXEL = new RgbImage(1, 1, new byte[] {10, 20, 30});
  private static final Preprocessing PREPROCESSING =
      new Preprocessing(8, 8, new float[3], new float[] {1, 1, 1});
  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.DEFAULT);

  private final DecodePool pool =
      new DecodePool(new DecodePoolConfig(1, 2), DECODER, PREPROCESSING);

  /** Holds the pool's only thread until the latch is counted down. */
  private CountDownLatch occupyThread() throws InterruptedException {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    pool.occupy(
        () -> {
          running.countDown();
          try {
            release.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });
    running.await();
    return release;
  }

  @AfterEach
  void close() {
    pool.close();
    pool.close();
  }

  private static ServingException failure(CompletableFuture<?> future) {
    CompletionException e = assertThrows(CompletionException.class, future::join);
    return assertInstanceOf(ServingException.class, e.getCause());
  }

  @Test
  void pixels_fileAndItsPixels_giveTheSame() throws IOException {
    byte[] file = ImageDecoderTest.resource("files/rgb.png");

    assertArrayEquals(pool.pixels(DECODER.decode(file)).join(), pool.pixels(file).join());
    assertArrayEquals(PREPROCESSING.pixels(PIXEL), pool.pixels(PIXEL).join());
  }

  @Test
  void pixels_badFile_failsButThePoolGoesOn() {
    assertEquals("IMAGE_NOT_DECODABLE", failure(pool.pixels(new byte[5])).reason());
    assertEquals(3 * 64, pool.pixels(PIXEL).join().length);
  }

  @Test
  void pixels_fullQueue_isExhaustedAndLaterFine() throws InterruptedException {
    CountDownLatch release = occupyThread();
    CompletableFuture<float[]> first = pool.pixels(PIXEL);
    CompletableFuture<float[]> second = pool.pixels(PIXEL);
    assertEquals(2, pool.queueSize());

    ServingException e = failure(pool.pixels(PIXEL));

    assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code());
    assertNotNull(e.retryAfter());
    assertFalse(first.isDone());
    release.countDown();
    first.join();
    second.join();
    pool.pixels(PIXEL).join();
  }

  @Test
  void pixels_cancelledWhileWaiting_isSkipped() throws InterruptedException {
    CountDownLatch release = occupyThread();
    CompletableFuture<float[]> cancelled = pool.pixels(PIXEL);
    CompletableFuture<float[]> next = pool.pixels(PIXEL);
    cancelled.cancel(false);
    release.countDown();

    next.join();

    assertTrue(cancelled.isCancelled());
  }

  @Test
  void close_waitingCallers_getUnavailable() throws InterruptedException {
    CountDownLatch release = occupyThread();
    CompletableFuture<float[]> waiting = pool.pixels(PIXEL);

    pool.close();

    assertEquals(ErrorCode.UNAVAILABLE, failure(waiting).code());
    assertEquals(ErrorCode.UNAVAILABLE, failure(pool.pixels(PIXEL)).code());
    release.countDown();
  }

  @Test
  void config_defaults_areWithinBoundsAndOthersRefused() {
    assertEquals(256, DecodePoolConfig.defaults().maxQueueSize());
    assertEquals(Runtime.getRuntime().availableProcessors(), DecodePoolConfig.defaults().threads());
    assertThrows(IllegalArgumentException.class, () -> new DecodePoolConfig(0, 1));
    assertThrows(IllegalArgumentException.class, () -> new DecodePoolConfig(1, 0));
  }
}
