package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ReadmeTest {
  @Test
  void readme_example_isTheOneThatCompiles() throws IOException {
    String source =
        Files.readString(Path.of("src/test/java/dev/perennial/client/ReadmeExample.java"));
    String example = source.split(" *// README\n", -1)[1].stripTrailing().stripIndent();
    String readme = Files.readString(Path.of("README.md"));
    String shown = readme.split("```java\n", -1)[1].split("```", -1)[0].strip();
    assertEquals(example, shown);
  }
}
