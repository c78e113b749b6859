package dev.perennial.server.cluster.hazelcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.hazelcast.config.JoinConfig;
import dev.perennial.server.cluster.hazelcast.ClusterConfig.Join;
import dev.perennial.server.error.ServingException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class HazelcastSettingsTest {
  private static ClusterConfig config(String host, Join join) {
    ClusterConfig defaults = ClusterConfig.DEFAULT;
    return new ClusterConfig(
        defaults.clusterName(),
        defaults.memberName(),
        host,
        defaults.publicAddress(),
        5_709,
        join,
        defaults.startSize(),
        defaults.heartbeatTimeout(),
        defaults.mergeDelay());
  }

  private static JoinConfig join(Join join) {
    return HazelcastSettings.config(config("127.0.0.1", join), Map.of())
        .getAdvancedNetworkConfig()
        .getJoin();
  }

  private static @Nullable String kubernetes(JoinConfig join, String property) {
    return join.getKubernetesConfig().getProperty(property);
  }

  @Test
  void join_eachKind_onlyThatOneIsOn() {
    JoinConfig addresses = join(new Join.Addresses(List.of("10.0.0.1:5709", "10.0.0.2")));
    assertEquals(
        List.of("10.0.0.1:5709", "10.0.0.2:5701"), addresses.getTcpIpConfig().getMembers());
    assertFalse(addresses.getKubernetesConfig().isEnabled());
    JoinConfig dns = join(new Join.DnsName("members.test"));
    assertEquals("members.test", kubernetes(dns, "service-dns"));
    assertEquals("5709", kubernetes(dns, "service-port"));
    for (JoinConfig one : List.of(addresses, dns)) {
      assertFalse(one.getMulticastConfig().isEnabled());
      assertFalse(one.isAutoDetectionEnabled());
    }
    assertFalse(dns.getTcpIpConfig().isEnabled());
  }

  /** The library then takes that of the pod. */
  @Test
  void kubernetes_namespaceNotNamed_isNotSet() {
    JoinConfig own = join(new Join.Kubernetes("perennial", null));
    assertTrue(own.getKubernetesConfig().isEnabled());
    assertEquals("perennial", kubernetes(own, "service-name"));
    assertEquals("false", kubernetes(own, "expose-externally"));
    assertEquals(null, kubernetes(own, "namespace"));
    JoinConfig named = join(new Join.Kubernetes("perennial", "vision"));
    assertEquals("vision", kubernetes(named, "namespace"));
  }

  @Test
  void host_name_isLookedUp_oneThatIsNotThereIsRefused() {
    ClusterConfig byName = config("localhost", new Join.Addresses(List.of()));
    assertEquals(
        "127.0.0.1",
        HazelcastSettings.config(byName, Map.of()).getProperty("hazelcast.local.localAddress"));
    ClusterConfig mistyped = config("no such host", new Join.Addresses(List.of()));
    ServingException e =
        assertThrows(ServingException.class, () -> HazelcastSettings.config(mistyped, Map.of()));
    assertEquals("BAD_SETTING", e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains("cluster host: no such host"));
  }
}
