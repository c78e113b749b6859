package dev.perennial.server.cluster.hazelcast;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a member of a cluster.
 *
 * @param clusterName members of another name are another cluster
 * @param memberName this member, for people
 * @param host this machine's address or name for the traffic of members, which is neither encrypted
 *     nor authenticated
 * @param publicAddress host:port under which the others reach it, where that differs; null: as is
 * @param port for the traffic of members
 * @param join where the others are looked for
 * @param startSize members that must be there before one that starts serves
 * @param heartbeatTimeout a member that is silent for so long is removed
 * @param mergeDelay how often the parts of a cluster that was torn apart look for each other
 */
public record ClusterConfig(
    String clusterName,
    String memberName,
    String host,
    @Nullable String publicAddress,
    int port,
    Join join,
    int startSize,
    Duration heartbeatTimeout,
    Duration mergeDelay) {

  /** Port of the traffic of members, where none is chosen. */
  public static final int DEFAULT_PORT = 5701;

  public static final ClusterConfig DEFAULT =
      new ClusterConfig(
          "perennial",
          "",
          "127.0.0.1",
          null,
          DEFAULT_PORT,
          new Join.Addresses(List.of()),
          1,
          Duration.ofSeconds(10),
          Duration.ofSeconds(10));

  /** Where other members are looked for. */
  public sealed interface Join {
    /** For people. */
    String where();

    default boolean looksForOthers() {
      return true;
    }

    /** At these addresses, host or host:port; this member's own may be among them. */
    record Addresses(List<String> addresses) implements Join {
      public Addresses {
        addresses = List.copyOf(addresses);
      }

      @Override
      public String where() {
        return "at " + addresses;
      }

      @Override
      public boolean looksForOthers() {
        return !addresses.isEmpty();
      }
    }

    /** At every address that a name stands for: a headless service, for one. */
    record DnsName(String name) implements Join {
      @Override
      public String where() {
        return "behind the name " + name;
      }
    }

    /**
     * At the pods of a Kubernetes service, asked of its API with the pod's own account.
     *
     * @param namespace the service's; null: this pod's own
     */
    record Kubernetes(String service, @Nullable String namespace) implements Join {
      @Override
      public String where() {
        return "behind Kubernetes' service "
            + (namespace == null ? service : namespace + "/" + service);
      }
    }
  }

  public ClusterConfig {
    require(!clusterName.isBlank(), "cluster name", clusterName, "some text");
    require(port >= 1 && port <= 65_535, "cluster port", port, "1..65535");
    require(startSize >= 1 && startSize <= 1_000, "cluster start size", startSize, "1..1000");
    requireSeconds("cluster heartbeat timeout", heartbeatTimeout, 2);
    requireSeconds("cluster merge delay", mergeDelay, 1);
  }

  private static void requireSeconds(String what, Duration value, long least) {
    require(
        value.toSeconds() >= least && value.toSeconds() <= 3_600, what, value, least + " s..1 h");
  }

  private static void require(boolean holds, String what, Object value, String expected) {
    if (!holds) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "BAD_SETTING",
          what + ": " + value + " (expected: " + expected + ")");
    }
  }
}
