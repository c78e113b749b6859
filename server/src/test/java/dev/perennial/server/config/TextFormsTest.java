package dev.perennial.server.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.time.Duration;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sizes and durations as people write them. */
class TextFormsTest {
  @ParameterizedTest
  @CsvSource({"0,0", "512,512", "64KiB,65536", "16MiB,16777216", "4GiB,4294967296", "7 B,7"})
  void byteSize_parse_understands(String text, long bytes) {
    assertEquals(bytes, ByteSize.parse(text).bytes());
    assertEquals(new ByteSize(bytes), ByteSize.parse(new ByteSize(bytes).toString()));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "-1", "1MB", "1.5MiB", "999999999999999GiB"})
  void byteSize_malformed_isRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> ByteSize.parse(text));
  }

  @ParameterizedTest
  @CsvSource({
    "0,0",
    "250us,250000",
    "5ms,5000000",
    "10s,10000000000",
    "2m,120000000000",
    "1h,3600000000000"
  })
  void duration_parse_understands(String text, long nanos) {
    Duration parsed = DurationText.parse(text);
    assertEquals(nanos, parsed.toNanos());
    assertEquals(text, DurationText.format(parsed));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5", "-5s", "5 d", "1.5s"})
  void duration_malformed_isRefused(String text) {
    assertThrows(IllegalArgumentException.class, () -> DurationText.parse(text));
  }
}
