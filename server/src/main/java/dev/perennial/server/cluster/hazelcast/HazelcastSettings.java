package dev.perennial.server.cluster.hazelcast;

import com.hazelcast.config.AdvancedNetworkConfig;
import com.hazelcast.config.Config;
import com.hazelcast.config.ExecutorConfig;
import com.hazelcast.config.JoinConfig;
import com.hazelcast.config.ServerSocketEndpointConfig;
import dev.perennial.server.cluster.Members.Level;
import dev.perennial.server.cluster.Members.Topic;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Map;

/** Every setting of the library that we rely on, written out. Pure functions. */
final class HazelcastSettings {
  /**
   * Threads that answer the others, per topic and level; each may wait for disks and lower levels.
   */
  private static final int THREADS = 8;

  private static final int QUEUE = 4_096;

  private HazelcastSettings() {}

  static Config config(ClusterConfig cluster, Map<String, String> attributes) {
    Config config = new Config();
    config.setClusterName(cluster.clusterName());
    config.setClassLoader(HazelcastSettings.class.getClassLoader());
    config.getJetConfig().setEnabled(false);
    config.getMetricsConfig().setEnabled(false);
    network(config.getAdvancedNetworkConfig().setEnabled(true), cluster);
    attributes.forEach(config.getMemberAttributeConfig()::setAttribute);
    for (Topic topic : Topic.values()) {
      for (Level level : Level.values()) {
        config.addExecutorConfig(
            new ExecutorConfig(executor(topic, level), THREADS)
                .setQueueCapacity(QUEUE)
                .setStatisticsEnabled(false));
      }
    }
    properties(config, cluster);
    return config;
  }

  static String executor(Topic topic, Level level) {
    return ("perennial-" + topic + "-" + level).toLowerCase(Locale.ROOT);
  }

  /**
   * One port that speaks the members' protocol and no other. Where a port may speak several
   * (Hazelcast's plain network, 5.7), a connection to a process that stands still keeps the thread
   * that writes for all connections busy until that process goes on: members that are well then
   * find each other silent.
   */
  private static void network(AdvancedNetworkConfig network, ClusterConfig cluster) {
    ServerSocketEndpointConfig endpoint = new ServerSocketEndpointConfig();
    endpoint
        .setPort(cluster.port())
        .setPortAutoIncrement(false)
        .setReuseAddress(true)
        .setSocketConnectTimeoutSeconds(3);
    String publicAddress = cluster.publicAddress();
    if (publicAddress != null) {
      endpoint.setPublicAddress(publicAddress);
    }
    network.setMemberEndpointConfig(endpoint);
    JoinConfig join = network.getJoin();
    join.getMulticastConfig().setEnabled(false);
    join.getAutoDetectionConfig().setEnabled(false);
    ClusterConfig.Join where = cluster.join();
    if (where instanceof ClusterConfig.Join.Addresses addresses) {
      join.getTcpIpConfig()
          .setEnabled(true)
          .setConnectionTimeoutSeconds(3)
          .setMembers(addresses.addresses().stream().map(HazelcastSettings::withPort).toList());
    } else if (where instanceof ClusterConfig.Join.DnsName dns) {
      join.getKubernetesConfig()
          .setEnabled(true)
          .setProperty("service-dns", dns.name())
          .setProperty("service-dns-timeout", "5")
          .setProperty("service-port", Integer.toString(cluster.port()));
    } else if (where instanceof ClusterConfig.Join.Kubernetes kubernetes) {
      join.getKubernetesConfig()
          .setEnabled(true)
          .setProperty("service-name", kubernetes.service())
          .setProperty("service-port", Integer.toString(cluster.port()))
          // Members talk within the cluster: no right to read services and nodes is needed.
          .setProperty("expose-externally", "false");
      if (kubernetes.namespace() != null) {
        join.getKubernetesConfig().setProperty("namespace", kubernetes.namespace());
      }
    }
  }

  private static String withPort(String address) {
    return address.contains(":") ? address : address + ":" + ClusterConfig.DEFAULT_PORT;
  }

  private static String addressOf(String host) {
    try {
      return InetAddress.getByName(host).getHostAddress();
    } catch (UnknownHostException e) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "BAD_SETTING",
          "cluster host: " + host + " (expected: an address or name of this machine)",
          e);
    }
  }

  private static void properties(Config config, ClusterConfig cluster) {
    String mergeDelay = Long.toString(cluster.mergeDelay().toSeconds());
    Map.ofEntries(
            // Nobody is called, nothing is exported, the process stops when we say so.
            Map.entry("hazelcast.phone.home.enabled", "false"),
            Map.entry("hazelcast.shutdownhook.enabled", "false"),
            Map.entry("hazelcast.jmx", "false"),
            Map.entry("hazelcast.logging.type", "slf4j"),
            Map.entry("hazelcast.logging.emoji.enabled", "false"),
            Map.entry("hazelcast.health.monitoring.level", "OFF"),
            // The address that is given, and no other; it need not be an interface's first.
            Map.entry("hazelcast.local.localAddress", addressOf(cluster.host())),
            Map.entry("hazelcast.socket.bind.any", "false"),
            Map.entry("hazelcast.prefer.ipv4.stack", "true"),
            // Joining.
            Map.entry("hazelcast.tcp.join.port.try.count", "1"),
            Map.entry("hazelcast.wait.seconds.before.join", "1"),
            Map.entry("hazelcast.max.wait.seconds.before.join", "5"),
            Map.entry("hazelcast.max.join.seconds", "30"),
            // Leaving: a dead socket tells at once, silence after the heartbeat timeout.
            Map.entry("hazelcast.heartbeat.interval.seconds", "1"),
            Map.entry(
                "hazelcast.max.no.heartbeat.seconds",
                Long.toString(cluster.heartbeatTimeout().toSeconds())),
            Map.entry("hazelcast.mastership.claim.timeout.seconds", "15"),
            Map.entry("hazelcast.graceful.shutdown.max.wait", "10"),
            // Coming together again; the defaults are five minutes and two.
            Map.entry("hazelcast.merge.first.run.delay.seconds", mergeDelay),
            Map.entry("hazelcast.merge.next.run.delay.seconds", mergeDelay),
            // The library holds no data of ours: few partitions, few threads.
            Map.entry("hazelcast.partition.count", "11"),
            Map.entry("hazelcast.operation.thread.count", "2"),
            Map.entry("hazelcast.operation.generic.thread.count", "2"),
            Map.entry("hazelcast.io.thread.count", "1"),
            Map.entry("hazelcast.event.thread.count", "1"))
        .forEach(config::setProperty);
  }
}
