package dev.perennial.server.device;

import dev.perennial.server.clip.Precision;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.scoring.ScoringRule;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Settings of the devices.
 *
 * @param devices {@code cpu} or {@code cuda:N}, one worker each; {@code cpu} may stand there
 *     several times
 * @param maxBatchSize rows that run together
 * @param maxQueueSize requests waiting per device before more are refused
 * @param maxQueueDelay how long a batch that is not full waits for more; zero answers at once
 * @param trainingShare part of a busy device's time that training may take, (0, 1)
 * @param scoring of questions that do not choose their own
 * @param textCacheBytes bound of the text features kept per device
 */
public record DevicesConfig(
    List<String> devices,
    Precision precision,
    int maxBatchSize,
    int maxQueueSize,
    Duration maxQueueDelay,
    double trainingShare,
    ScoringRule scoring,
    long textCacheBytes) {

  private static final Pattern DEVICE = Pattern.compile("cpu|cuda:[0-9]{1,3}");

  /** Throws INVALID_ARGUMENT that names the setting. */
  public DevicesConfig {
    devices = List.copyOf(devices);
    check(!devices.isEmpty(), "devices", devices, "1 or more");
    Set<String> seen = new HashSet<>();
    for (String device : devices) {
      check(DEVICE.matcher(device).matches(), "devices", device, "cpu or cuda:N");
      check(device.equals("cpu") || seen.add(device), "devices", device, "each GPU once");
    }
    check(maxBatchSize >= 1 && maxBatchSize <= 4096, "max batch size", maxBatchSize, "1..4096");
    check(maxQueueSize >= 1, "max queue size", maxQueueSize, "1 or more");
    check(
        !maxQueueDelay.isNegative() && maxQueueDelay.compareTo(Duration.ofMinutes(1)) <= 0,
        "max queue delay",
        maxQueueDelay,
        "0..1 minute");
    check(
        trainingShare > 0 && trainingShare < 1,
        "training share",
        trainingShare,
        "more than 0, less than 1");
    check(textCacheBytes >= 0, "text cache bytes", textCacheBytes, "0 or more");
  }

  private static void check(boolean right, String setting, Object value, String expected) {
    if (!right) {
      throw ServingException.invalid(
          "BAD_SETTING", setting, setting + ": " + value + " (expected: " + expected + ")");
    }
  }

  /** The same on other devices. */
  public DevicesConfig on(List<String> otherDevices) {
    return on(otherDevices, precision);
  }

  /** The same on other devices, in another precision. */
  public DevicesConfig on(List<String> otherDevices, Precision otherPrecision) {
    return new DevicesConfig(
        otherDevices,
        otherPrecision,
        maxBatchSize,
        maxQueueSize,
        maxQueueDelay,
        trainingShare,
        scoring,
        textCacheBytes);
  }

  /** The same with another scoring. */
  public DevicesConfig scoredBy(ScoringRule other) {
    return new DevicesConfig(
        devices,
        precision,
        maxBatchSize,
        maxQueueSize,
        maxQueueDelay,
        trainingShare,
        other,
        textCacheBytes);
  }

  public static final DevicesConfig DEFAULT =
      new DevicesConfig(
          List.of("cpu"),
          Precision.FP32,
          64,
          1024,
          Duration.ZERO,
          0.5,
          ScoringRule.UNION,
          256L << 20);
}
