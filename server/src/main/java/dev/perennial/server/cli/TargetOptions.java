package dev.perennial.server.cli;

import dev.perennial.client.ClientBuilder;
import dev.perennial.client.PerennialClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a command reaches a server; mixed into every command that is a client. */
final class TargetOptions {
  @Option(names = "--tls", description = "Encrypt; trust the JVM's authorities.")
  private boolean tls;

  @Option(
      names = "--trust",
      paramLabel = "PEM",
      description = "Encrypt; trust the certificates in this file (default: none).")
  private @Nullable Path trust;

  @Option(
      names = "--authority",
      paramLabel = "NAME",
      description = "Name in the server's certificate (default: the target's host).")
  private @Nullable String authority;

  @Option(
      names = "--client-token-file",
      paramLabel = "FILE",
      description = "Its first line is sent as the bearer token (default: no token).")
  private @Nullable Path tokenFile;

  /** A client's settings; the caller adds its own and builds it. */
  ClientBuilder client(String target) throws IOException {
    ClientBuilder builder = PerennialClient.builder().target(target);
    if (trust != null) {
      builder.tls(trust);
    } else if (tls) {
      builder.tls();
    }
    if (authority != null) {
      builder.authority(authority);
    }
    if (tokenFile != null) {
      builder.token(Files.readAllLines(tokenFile).stream().findFirst().orElse("").strip());
    }
    return builder;
  }
}
