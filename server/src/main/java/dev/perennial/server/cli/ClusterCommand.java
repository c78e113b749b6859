package dev.perennial.server.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.perennial.client.ClusterMember;
import dev.perennial.client.PerennialClient;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code perennial cluster}: the members of a running cluster. */
@Command(name = "cluster", description = "Show the members of a cluster, the coordinator marked *.")
public final class ClusterCommand implements Callable<Integer> {
  private static final Gson GSON =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

  @Spec private @Nullable CommandSpec spec;

  @Mixin private ConnectionOptions connection = new ConnectionOptions();

  @Option(names = "--json", description = "Print JSON.")
  private boolean json;

  @Option(
      names = "--versions",
      description = "With the task versions and contributions on each disk.")
  private boolean versions;

  @Override
  public Integer call() {
    PrintWriter out = Commands.spec(spec).commandLine().getOut();
    try (PerennialClient client = connection.connect()) {
      List<ClusterMember> members = client.getCluster(versions);
      if (json) {
        out.println(GSON.toJson(members));
      } else {
        print(out, members);
      }
    }
    out.flush();
    return 0;
  }

  private void print(PrintWriter out, List<ClusterMember> members) {
    out.printf(
        "  %-20s %-21s %-24s %7s %6s %8s %13s %9s  %s%n",
        "MEMBER",
        "ADDRESS",
        "STATE",
        "EPOCH",
        "TASKS",
        "VERSIONS",
        "CONTRIBUTIONS",
        "IN FLIGHT",
        "DEVICES");
    for (ClusterMember member : members) {
      out.printf(
          "%s %-20s %-21s %-24s %7d %6d %8d %13d %9d  %s%n",
          member.coordinator() ? "*" : " ",
          member.name().isEmpty() ? member.memberId() : member.name(),
          member.address(),
          member.trouble().isEmpty()
              ? member.state()
              : member.state() + " (" + member.trouble() + ")",
          member.epoch(),
          member.tasks(),
          member.versions(),
          member.contributions(),
          member.devices().stream().mapToInt(ClusterMember.Device::inFlight).sum(),
          member.devices().stream()
              .map(ClusterMember.Device::name)
              .collect(Collectors.joining(",")));
      member.versionIds().forEach(id -> out.println("    " + id));
      member.contributionIds().forEach(id -> out.println("    " + id + " (contribution)"));
    }
  }
}
