package dev.perennial.server.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import dev.perennial.server.ServerConfig;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.config.ByteSize;
import dev.perennial.server.config.DurationText;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class ServeCommandTest {
  private static ServerConfig parsed(String... args) {
    ServeCommand command = new ServeCommand();
    new CommandLine(command)
        .registerConverter(ByteSize.class, ByteSize::parse)
        .registerConverter(Duration.class, DurationText::parse)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .parseArgs(args);
    return command.config();
  }

  @Test
  void config_noOptions_isTheDefault() {
    assertEquals(ServerConfig.DEFAULT, parsed());
  }

  @Test
  void config_everyOption_reachesItsSetting() {
    ServerConfig config =
        parsed(
            ("--model m --data d --host 0.0.0.0 --port 1 --devices cpu,cuda:1 --precision bf16"
                    + " --max-batch-size 2 --max-queue-size 3 --max-queue-delay 4ms"
                    + " --training-share 0.25 --text-cache 5MiB --event-loops 6 --max-message 7KiB"
                    + " --max-streams 8 --max-in-flight 9 --max-in-flight-bytes 10KiB"
                    + " --max-call-duration 11s --drain-timeout 12s --tls-cert c --tls-key k"
                    + " --token-file t --decode-threads 13 --max-decode-queue 14"
                    + " --max-decode-queue-bytes 15KiB --max-image-edge 16 --max-image-pixels 17"
                    + " --max-uploads 18 --max-spool 19KiB --max-total-spool 20KiB"
                    + " --max-examples 21 --max-jobs 22")
                .split(" "));
    assertEquals(Path.of("m"), config.model());
    assertEquals(Path.of("d"), config.data());
    var grpc = config.grpc();
    assertEquals("0.0.0.0", grpc.host());
    assertEquals(1, grpc.port());
    assertEquals(6, grpc.eventLoops());
    assertEquals(7 << 10, grpc.maxMessageBytes());
    assertEquals(8, grpc.maxStreamsPerConnection());
    assertEquals(9, grpc.maxInFlightPerStream());
    assertEquals(10 << 10, grpc.maxInFlightBytesPerStream());
    assertEquals(Duration.ofSeconds(11), grpc.maxCallDuration());
    assertEquals(Duration.ofSeconds(12), grpc.drainTimeout());
    assertNotNull(grpc.tls());
    assertEquals(Path.of("t"), grpc.tokenFile());
    assertEquals(13, grpc.decodeThreads());
    assertEquals(14, grpc.maxDecodeQueueSize());
    assertEquals(15 << 10, grpc.maxDecodeQueueBytes());
    var devices = config.devices();
    assertEquals(List.of("cpu", "cuda:1"), devices.devices());
    assertEquals(Precision.BF16, devices.precision());
    assertEquals(2, devices.maxBatchSize());
    assertEquals(3, devices.maxQueueSize());
    assertEquals(Duration.ofMillis(4), devices.maxQueueDelay());
    assertEquals(0.25, devices.trainingShare());
    assertEquals(5 << 20, devices.textCacheBytes());
    assertEquals(16, config.images().maxEdge());
    assertEquals(17, config.images().maxPixels());
    var training = config.training();
    assertEquals(18, training.maxUploads());
    assertEquals(19 << 10, training.maxSpoolBytes());
    assertEquals(20 << 10, training.maxTotalSpoolBytes());
    assertEquals(21, training.maxExamples());
    assertEquals(22, training.maxJobs());
  }
}
