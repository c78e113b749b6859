package dev.perennial.server.device;

import dev.perennial.server.clip.Precision;
import java.time.Duration;
import java.util.List;

/**
 * Settings of the devices.
 *
 * @param devices {@code cpu} or {@code cuda:N}, one worker each; {@code cpu} may stand there
 *     several times
 * @param maxBatchSize rows that run together
 * @param maxQueueSize requests waiting per device before more are refused
 * @param maxQueueDelay how long a batch that is not full waits for more; zero answers at once
 * @param trainingShare part of a busy device's time that training may take, (0, 1)
 * @param textCacheBytes bound of the text features kept per device
 */
public record DevicesConfig(
    List<String> devices,
    Precision precision,
    int maxBatchSize,
    int maxQueueSize,
    Duration maxQueueDelay,
    double trainingShare,
    long textCacheBytes) {

  public static final DevicesConfig DEFAULT =
      new DevicesConfig(List.of("cpu"), Precision.FP32, 64, 4096, Duration.ZERO, 0.5, 256L << 20);
}
