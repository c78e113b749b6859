package dev.perennial.server.cli;

import dev.perennial.client.ClientBuilder;
import dev.perennial.client.PerennialClient;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that secure a connection to a server, for {@code @Mixin}. */
final class SecurityOptions {
  @Option(names = "--tls", description = "Encrypt; the server's certificate is checked.")
  private boolean tls;

  @Option(
      names = "--tls-ca",
      paramLabel = "PEM",
      description =
          "Certificates to check the server's against; implies --tls (default: the JVM's).")
  private @Nullable Path tlsAuthorities;

  @Option(
      names = "--token-file",
      paramLabel = "FILE",
      description = "Holds the bearer token to send (default: none is sent).")
  private @Nullable Path tokenFile;

  /** A client's settings so far. */
  ClientBuilder client(String target) {
    ClientBuilder builder = PerennialClient.builder().target(target);
    if (tlsAuthorities != null) {
      builder.tls(tlsAuthorities);
    } else if (tls) {
      builder.tls();
    }
    if (tokenFile != null) {
      builder.token(token(tokenFile));
    }
    return builder;
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
