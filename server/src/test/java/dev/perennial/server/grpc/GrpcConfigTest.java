package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class GrpcConfigTest {
  @Test
  void default_everyValue_isAsDocumented() {
    int cores = Runtime.getRuntime().availableProcessors();
    GrpcConfig config = GrpcConfig.DEFAULT;
    assertEquals("127.0.0.1", config.host());
    assertEquals(9090, config.port());
    assertEquals(Math.max(1, Math.min(4, cores / 2)), config.eventLoops());
    assertEquals(16 << 20, config.maxMessageBytes());
    assertEquals(256, config.maxStreamsPerConnection());
    assertEquals(64, config.maxInFlightPerStream());
    assertEquals(32 << 20, config.maxInFlightBytesPerStream());
    assertEquals(cores, config.decodeThreads());
    assertEquals(4_096, config.maxDecodeQueueSize());
    assertEquals(256 << 20, config.maxDecodeQueueBytes());
    assertEquals(Duration.ZERO, config.maxCallDuration());
    assertEquals(Duration.ofSeconds(10), config.drainTimeout());
    assertNull(config.tls());
    assertNull(config.tokenFile());
  }

  @Test
  void at_wrongPort_saysValueAndExpected() {
    ServingException seen =
        assertThrows(ServingException.class, () -> GrpcConfig.DEFAULT.at("localhost", 70_000));
    assertTrue(String.valueOf(seen.getMessage()).contains("port: 70000 (expected: 0..65535)"));
  }
}
