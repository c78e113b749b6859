package dev.perennial.server.cli;

import dev.perennial.server.cluster.hazelcast.ClusterConfig;
import dev.perennial.server.cluster.hazelcast.ClusterConfig.Join;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** Options of a member of a cluster, for {@code @Mixin}. */
final class ClusterOptionGroup {
  private static final ClusterConfig DEFAULTS = ClusterConfig.DEFAULT;

  @ArgGroup(heading = "%nCluster:%n", exclusive = false)
  private Options options = new Options();

  /** The options. */
  static final class Options {
    @Option(
        names = "--cluster",
        description =
            "Be one server with others. Their traffic is neither encrypted nor authenticated: keep"
                + " it on a network of their own.")
    private boolean cluster;

    @Option(
        names = "--cluster-name",
        paramLabel = "NAME",
        description = "Others are other clusters.")
    private String name = DEFAULTS.clusterName();

    @Option(
        names = "--member-name",
        paramLabel = "NAME",
        description = "This member, for people (default: its address).")
    private String memberName = DEFAULTS.memberName();

    @Option(
        names = "--cluster-host",
        paramLabel = "ADDRESS",
        description = "This machine's address or name for the members' traffic.")
    private String host = DEFAULTS.host();

    @Option(names = "--cluster-port", paramLabel = "N", description = "Port for it.")
    private int port = DEFAULTS.port();

    @Option(
        names = "--cluster-public-address",
        paramLabel = "HOST:PORT",
        description = "Where the others reach this one, if not there.")
    private @Nullable String publicAddress = DEFAULTS.publicAddress();

    @Option(
        names = "--cluster-members",
        split = ",",
        paramLabel = "HOST:PORT",
        description = "Members to join, those that may come later too.")
    private List<String> members = List.of();

    @Option(
        names = "--cluster-dns",
        paramLabel = "NAME",
        description = "A name that stands for all members: a headless service.")
    private @Nullable String dns;

    @Option(
        names = "--cluster-kubernetes",
        paramLabel = "SERVICE",
        description = "Ask Kubernetes' API for the service's pods.")
    private @Nullable String kubernetes;

    @Option(
        names = "--cluster-namespace",
        paramLabel = "NAMESPACE",
        showDefaultValue = CommandLine.Help.Visibility.NEVER,
        description = "The service's namespace (default: this pod's).")
    private @Nullable String namespace;

    @Option(
        names = "--cluster-start-size",
        paramLabel = "N",
        description = "Members that must be there before one that starts serves.")
    private int startSize = DEFAULTS.startSize();

    @Option(
        names = "--cluster-heartbeat-timeout",
        paramLabel = "TIME",
        description = "A member that is silent for so long is removed.")
    private Duration heartbeatTimeout = DEFAULTS.heartbeatTimeout();

    @Option(
        names = "--cluster-merge-delay",
        paramLabel = "TIME",
        description = "How often parts that were torn apart look for each other.")
    private Duration mergeDelay = DEFAULTS.mergeDelay();
  }

  /** Null where there is to be no cluster. */
  @Nullable ClusterConfig config() {
    if (!options.cluster) {
      return null;
    }
    return new ClusterConfig(
        options.name,
        options.memberName,
        options.host,
        options.publicAddress,
        options.port,
        join(),
        options.startSize,
        options.heartbeatTimeout,
        options.mergeDelay);
  }

  private Join join() {
    String dns = options.dns;
    String kubernetes = options.kubernetes;
    int given =
        (options.members.isEmpty() ? 0 : 1) + (dns == null ? 0 : 1) + (kubernetes == null ? 0 : 1);
    if (given > 1) {
      throw new ServingException(
          ErrorCode.INVALID_ARGUMENT,
          "BAD_SETTING",
          "--cluster-members, --cluster-dns, --cluster-kubernetes: "
              + given
              + " of them (expected: one)");
    }
    if (dns != null) {
      return new Join.DnsName(dns);
    }
    return kubernetes != null
        ? new Join.Kubernetes(kubernetes, options.namespace)
        : new Join.Addresses(options.members);
  }
}
