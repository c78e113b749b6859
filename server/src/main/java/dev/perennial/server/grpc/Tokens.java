package dev.perennial.server.grpc;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The bearer tokens that are let in, as their SHA-256: comparing takes the same time whatever is
 * sent. Immutable; safe for any thread.
 */
final class Tokens {
  private static final String SCHEME = "bearer ";

  private final List<byte[]> digests;

  private Tokens(List<byte[]> digests) {
    this.digests = digests;
  }

  /** One token a line; blank lines and those that start with # do not count. */
  static Tokens read(Path file) {
    List<byte[]> digests = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file)) {
        String token = line.strip();
        if (!token.isEmpty() && !token.startsWith("#")) {
          digests.add(digest(token));
        }
      }
    } catch (IOException e) {
      throw unusable(file, "one that can be read; " + e);
    }
    if (digests.isEmpty()) {
      throw unusable(file, "at least one token");
    }
    return new Tokens(List.copyOf(digests));
  }

  /** Throws UNAUTHENTICATED unless the header {@code authorization} carries one of the tokens. */
  void check(@Nullable String authorization) {
    if (authorization == null
        || !authorization.regionMatches(true, 0, SCHEME, 0, SCHEME.length())) {
      throw refused("authorization: no bearer token (expected: one)");
    }
    byte[] sent = digest(authorization.substring(SCHEME.length()).strip());
    boolean known = false;
    for (byte[] digest : digests) {
      known |= MessageDigest.isEqual(digest, sent);
    }
    if (!known) {
      throw refused("authorization: unknown bearer token");
    }
  }

  private static byte[] digest(String token) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JVM has SHA-256", e);
    }
  }

  private static ServingException refused(String message) {
    return new ServingException(ErrorCode.UNAUTHENTICATED, "UNAUTHENTICATED", message);
  }

  private static ServingException unusable(Path file, String expected) {
    return new ServingException(
        ErrorCode.INVALID_ARGUMENT,
        "BAD_SETTING",
        "token file: " + file + " (expected: " + expected + ")");
  }
}
