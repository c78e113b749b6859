package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.perennial.server.grpc.GrpcConfig;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** A self-signed certificate and its key, made by the JDK's keytool. */
public final class TestCertificate {
  private static final String PASSWORD = "changeit";

  private final KeyStore keys;
  private final GrpcConfig.Tls files;

  private TestCertificate(KeyStore keys, GrpcConfig.Tls files) {
    this.keys = keys;
    this.files = files;
  }

  /**
   * A new one.
   *
   * @param directory empty; its files lie there
   * @param names whom it is for: {@code dns:localhost,ip:127.0.0.1}
   */
  public static TestCertificate create(Path directory, String names)
      throws IOException, GeneralSecurityException, InterruptedException {
    Path store = Files.createDirectories(directory).resolve("store.p12");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(
        List.of("-genkeypair", "-alias", "server", "-keyalg", "EC", "-groupname", "secp256r1"));
    command.addAll(List.of("-dname", "CN=test", "-ext", "san=" + names, "-storetype", "PKCS12"));
    command.addAll(List.of("-keystore", store.toString(), "-storepass", PASSWORD));
    Process made = new ProcessBuilder(command).inheritIO().start();
    assertEquals(0, made.waitFor());
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD.toCharArray());
    }
    Path certificate = directory.resolve("cert.pem");
    Path key = directory.resolve("key.pem");
    pem(certificate, "CERTIFICATE", keys.getCertificate("server").getEncoded());
    pem(key, "PRIVATE KEY", keys.getKey("server", PASSWORD.toCharArray()).getEncoded());
    return new TestCertificate(keys, new GrpcConfig.Tls(certificate, key));
  }

  /** Certificate and key as a server reads them. */
  public GrpcConfig.Tls files() {
    return files;
  }

  /** For a server that is not ours. */
  public SSLContext context() throws GeneralSecurityException {
    KeyManagerFactory factory =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    factory.init(keys, PASSWORD.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(factory.getKeyManagers(), null, null);
    return context;
  }

  private static void pem(Path file, String type, byte[] bytes) throws IOException {
    Files.writeString(
        file,
        "-----BEGIN "
            + type
            + "-----\n"
            + Base64.getMimeEncoder().encodeToString(bytes)
            + "\n-----END "
            + type
            + "-----\n");
  }
}
