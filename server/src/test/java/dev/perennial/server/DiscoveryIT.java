package dev.perennial.server;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.chaos.MemberProcess;
import dev.perennial.server.chaos.MemberProcess.Launch;
import dev.perennial.v1.TrainingJob;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Members in JVMs of their own that find each other by a name or by Kubernetes' API; each has an
 * address of its own, as a pod has, and all have one port. The JVM's hosts file stands for a DNS
 * server: it is read at every look-up, behind the JVM's cache. In the Maven profile {@code
 * cluster}: {@code mvn verify -Pcluster -Dit.test=DiscoveryIT}.
 */
@Tag("cluster")
@Timeout(400)
class DiscoveryIT {
  private static final String NAME = "members.perennial.test";

  @TempDir private Path directory;

  private final List<MemberProcess> started = new ArrayList<>();
  private LocalCluster.Settings settings;
  private int port;

  @BeforeEach
  void prepare() {
    settings = TestClusters.settings(TinyModel.write(directory.resolve("model")));
    port = LocalCluster.freePort();
  }

  @AfterEach
  void stop() {
    started.forEach(MemberProcess::close);
  }

  @Test
  void dnsName_standsForAll_alsoForWhoComesLater() {
    nameStandsFor("127.0.0.1", "127.0.0.2");
    List<MemberProcess> two = List.of(byName("a", "127.0.0.1"), byName("b", "127.0.0.2"));
    LocalCluster.of(directory, two).startAll();
    TrainingJob job = Teaching.teach(two.get(0), "colours", 1);
    nameStandsFor("127.0.0.1", "127.0.0.2", "127.0.0.3");
    MemberProcess third = byName("c", "127.0.0.3").start();
    LocalCluster.of(directory, started).awaitOneState();
    assertEquals(job.getEpoch(), ClusterIT.epoch(third));
  }

  /** As pods come up: first nobody is behind the name, then each finds itself and the others. */
  @Test
  void dnsName_unknownAtFirst_isSaidAndFoundLater() {
    nameStandsFor();
    MemberProcess a = byName("a", "127.0.0.1").start();
    MemberProcess b = byName("b", "127.0.0.2").start();
    TrainingJob job = Teaching.teach(a, "colours", 1);
    assertNotEquals(job.getEpoch(), ClusterIT.epoch(b));
    assertTrue(a.said().contains("'" + NAME + "' failed: unknown host"), a.said());
    assertTrue(a.said().contains("nobody found behind the name " + NAME), a.said());
    nameStandsFor("127.0.0.1", "127.0.0.2");
    LocalCluster.of(directory, started).awaitOneState();
    assertTrue(ClusterIT.taskNames(b).contains("colours"));
  }

  @Test
  void kubernetes_podsOfTheService_alsoThoseThatComeLater() throws Exception {
    try (KubernetesApi api = new KubernetesApi(directory.resolve("api"))) {
      api.pods("127.0.0.1", "127.0.0.2");
      List<MemberProcess> two =
          List.of(inKubernetes("a", "127.0.0.1", api), inKubernetes("b", "127.0.0.2", api));
      LocalCluster.of(directory, two).startAll();
      TrainingJob job = Teaching.teach(two.get(0), "colours", 1);
      api.pods("127.0.0.1", "127.0.0.2", "127.0.0.3");
      MemberProcess third = inKubernetes("c", "127.0.0.3", api).start();
      LocalCluster.of(directory, started).awaitOneState();
      assertEquals(job.getEpoch(), ClusterIT.epoch(third));
    }
  }

  @Test
  void kubernetes_accountWithoutRights_isSaid() throws Exception {
    try (KubernetesApi api = new KubernetesApi(directory.resolve("api"))) {
      api.forbid();
      MemberProcess member = inKubernetes("a", "127.0.0.1", api).start();
      assertTrue(member.said().contains("access is forbidden"), member.said());
      assertTrue(
          member.said().contains("nobody found behind Kubernetes' service vision/perennial"),
          member.said());
    }
  }

  @Test
  void kubernetes_noApiServer_refusesToStart() throws Exception {
    KubernetesApi gone = new KubernetesApi(directory.resolve("api"));
    gone.close();
    MemberProcess member = inKubernetes("a", "127.0.0.1", gone);
    member.launch();
    assertEquals(1, member.awaitEnd());
    assertTrue(member.said().contains("others behind Kubernetes' service"), member.said());
  }

  @Test
  void hostThatIsNotOfThisMachine_refusesToStart() throws Exception {
    nameStandsFor("192.0.2.1");
    MemberProcess member = byName("a", "192.0.2.1");
    member.launch();
    assertEquals(1, member.awaitEnd());
    assertTrue(member.said().contains("perennial: cluster at 192.0.2.1:" + port), member.said());
  }

  private MemberProcess byName(String name, String address) {
    String hosts = "-Djdk.net.hosts.file=" + directory.resolve("hosts");
    return member(name, address, List.of(hosts), "--cluster-dns=" + NAME);
  }

  private MemberProcess inKubernetes(String name, String address, KubernetesApi api)
      throws IOException {
    return member(name, address, api.jvmOptions(), "--cluster-kubernetes=" + KubernetesApi.SERVICE);
  }

  private MemberProcess member(String name, String address, List<String> jvm, String join) {
    List<String> options = settings.options(join);
    if (join.startsWith("--cluster-kubernetes")) {
      options.add("--cluster-namespace=" + KubernetesApi.NAMESPACE);
    }
    MemberProcess member =
        new MemberProcess(
            directory,
            name,
            new Launch(List.of(), jvm),
            "127.0.0.1",
            address + ":" + port,
            options);
    started.add(member);
    return member;
  }

  private void nameStandsFor(String... addresses) {
    StringBuilder lines = new StringBuilder("127.0.0.1 localhost\n");
    for (String address : addresses) {
      lines.append(address).append(' ').append(NAME).append('\n');
    }
    Path aside = directory.resolve("hosts.new");
    try {
      Files.writeString(aside, lines);
      Files.move(aside, directory.resolve("hosts"), ATOMIC_MOVE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
