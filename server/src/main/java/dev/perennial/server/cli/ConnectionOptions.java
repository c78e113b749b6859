package dev.perennial.server.cli;

import dev.perennial.client.ClientBuilder;
import dev.perennial.client.PerennialClient;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of commands that talk to a server, for {@code @Mixin}. */
final class ConnectionOptions {
  @Option(names = "--target", paramLabel = "HOST:PORT", description = "The server.")
  private String target = "127.0.0.1:9090";

  @Option(names = "--tls", description = "Encrypt; the server's certificate is checked.")
  private boolean tls;

  @Option(
      names = "--tls-ca",
      paramLabel = "PEM",
      description = "Certificates to check the server's against; implies --tls.")
  private @Nullable Path tlsAuthorities;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description = "Holds the bearer token to send.")
  private @Nullable Path tokenFile;

  @Option(names = "--deadline", paramLabel = "TIME", description = "Of each call.")
  private Duration deadline = Duration.ofSeconds(30);

  /** A client; the caller closes it. */
  PerennialClient connect() {
    ClientBuilder builder = PerennialClient.builder().target(target).deadline(deadline);
    if (tlsAuthorities != null) {
      builder.tls(tlsAuthorities);
    } else if (tls) {
      builder.tls();
    }
    if (tokenFile != null) {
      builder.token(token(tokenFile));
    }
    return builder.build();
  }

  private static String token(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException e) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "BAD_SETTING",
          "token file: " + file + " (expected: one that can be read; " + e + ")",
          e);
    }
  }
}
