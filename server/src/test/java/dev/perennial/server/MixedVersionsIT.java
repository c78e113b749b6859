package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.server.chaos.MemberProcess.Launch;
import dev.perennial.v1.Member;
import dev.perennial.v1.TrainingJob;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Members whose software says another version: the package that holds {@link Main} is put before
 * the class path, in a jar with a manifest of the test's own. In the Maven profile {@code cluster}:
 * {@code mvn verify -Pcluster -Dit.test=MixedVersionsIT}.
 */
@Tag("cluster")
@Timeout(400)
class MixedVersionsIT {
  private static final String PACKAGE = "dev/perennial/server";

  @TempDir private Path directory;

  private final List<MemberProcess> started = new ArrayList<>();

  @AfterEach
  void stop() {
    started.forEach(MemberProcess::close);
  }

  @Test
  void otherPatch_oneCluster_otherMinor_refusedWithBothVersions() throws Exception {
    LocalCluster.Settings settings =
        TestClusters.settings(TinyModel.write(directory.resolve("model")));
    List<Integer> ports = List.of(LocalCluster.freePort(), LocalCluster.freePort());
    String join =
        "--cluster-members=127.0.0.1:%d,127.0.0.1:%d".formatted(ports.get(0), ports.get(1));
    MemberProcess older = member("older", "0.3.1", ports.get(0), settings.options(join));
    MemberProcess newer = member("newer", "0.3.12", ports.get(1), settings.options(join));
    LocalCluster cluster = LocalCluster.of(directory, List.of(older, newer));
    cluster.startAll();
    assertEquals(
        List.of("0.3.1", "0.3.12"),
        cluster.describe(newer).stream().map(Member::getSoftwareVersion).sorted().toList());

    TrainingJob atOlder = Teaching.teach(older, "taught-at-older", 1);
    TrainingJob atNewer = Teaching.teach(newer, "taught-at-newer", 2);
    assertEquals(atOlder.getEpoch() + 1, atNewer.getEpoch());
    for (MemberProcess member : List.of(older, newer)) {
      for (String task : List.of("taught-at-older", "taught-at-newer")) {
        assertEquals(
            atNewer.getEpoch(), Teaching.classify(member, task).getClassification().getEpoch());
      }
    }

    MemberProcess stranger =
        member("stranger", "0.4.0", LocalCluster.freePort(), settings.options(join));
    stranger.launch();
    assertEquals(1, stranger.awaitEnd());
    assertTrue(
        stranger.said().contains("join refused, software version: 0.4.0 (expected: 0.3."),
        stranger.said());
    assertEquals(2, cluster.describe(older).size());
  }

  private MemberProcess member(String name, String version, int port, List<String> options)
      throws Exception {
    String classPath = System.getProperty("java.class.path");
    Path jar = jar(name, version);
    MemberProcess member =
        new MemberProcess(
            directory,
            name,
            new Launch(List.of(), List.of("-cp", jar + java.io.File.pathSeparator + classPath)),
            "127.0.0.1",
            "127.0.0.1:" + port,
            options);
    started.add(member);
    return member;
  }

  /** The classes beside {@link Main}, under another version. */
  private Path jar(String name, String version) throws Exception {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().put(Attributes.Name.IMPLEMENTATION_VERSION, version);
    Path file = directory.resolve(name + ".jar");
    URI source = Main.class.getProtectionDomain().getCodeSource().getLocation().toURI();
    Path classes = Path.of(source);
    try (OutputStream out = Files.newOutputStream(file);
        JarOutputStream jar = new JarOutputStream(out, manifest)) {
      if (Files.isDirectory(classes)) {
        copy(classes.resolve(PACKAGE), jar);
      } else {
        try (FileSystem packed = FileSystems.newFileSystem(classes)) {
          copy(packed.getPath(PACKAGE), jar);
        }
      }
    }
    return file;
  }

  private static void copy(Path folder, JarOutputStream jar) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(path -> path.toString().endsWith(".class")).toList()) {
        jar.putNextEntry(new JarEntry(PACKAGE + "/" + file.getFileName()));
        Files.copy(file, jar);
        jar.closeEntry();
      }
    }
  }
}
