package dev.perennial.client;

import io.grpc.ConnectivityState;
import io.grpc.ConnectivityStateInfo;
import io.grpc.EquivalentAddressGroup;
import io.grpc.LoadBalancer;
import io.grpc.LoadBalancerProvider;
import io.grpc.LoadBalancerRegistry;
import io.grpc.Status;
import io.grpc.protobuf.services.HealthCheckingLoadBalancerUtil;
import java.net.SocketAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.random.RandomGenerator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Spreads the calls of one channel over the members that serve: of two chosen at random the one
 * with less to do ("the power of two choices", Mitzenmacher 1996). It is connected to all of them.
 *
 * <p>gRPC's own {@code round_robin} knows neither load nor which member a call should avoid, and
 * its {@code least_request} comes with xDS only; connections, reconnection and health ({@code
 * grpc.health.v1.Health/Watch}, by which a member that drains or lags behind leaves) are the
 * library's. Everything but picking runs in the channel's synchronization context.
 */
final class MemberBalancer extends LoadBalancer {
  static final String POLICY = "perennial_members";

  private final Helper helper;
  private final RandomGenerator random;
  private final Map<List<SocketAddress>, Member> members = new LinkedHashMap<>();

  /** Members that were left while no other served: who is there is told once one does. */
  private final Set<Member> left = new LinkedHashSet<>();

  private boolean stopped;

  MemberBalancer(Helper helper, RandomGenerator random) {
    this.helper = helper;
    this.random = random;
  }

  /** Makes the policy known to gRPC under its name; often is fine. */
  static void register() {
    if (LoadBalancerRegistry.getDefaultRegistry().getProvider(POLICY) == null) {
      LoadBalancerRegistry.getDefaultRegistry().register(new Provider());
    }
  }

  /** Settings of a channel that uses it, as gRPC's service config. */
  static Map<String, ?> serviceConfig() {
    return Map.of(
        "loadBalancingConfig",
        List.of(Map.of(POLICY, Map.of())),
        "healthCheckConfig",
        Map.of("serviceName", ""));
  }

  @Override
  public Status acceptResolvedAddresses(ResolvedAddresses resolved) {
    Map<List<SocketAddress>, EquivalentAddressGroup> wanted = new LinkedHashMap<>();
    resolved.getAddresses().forEach(group -> wanted.putIfAbsent(group.getAddresses(), group));
    if (wanted.isEmpty()) {
      Status none = Status.UNAVAILABLE.withDescription("members: no address (expected: 1 or more)");
      handleNameResolutionError(none);
      return none;
    }
    Map<List<SocketAddress>, Member> gone = new HashMap<>(members);
    gone.keySet().removeAll(wanted.keySet());
    members.keySet().removeAll(gone.keySet());
    wanted.forEach((addresses, group) -> members.computeIfAbsent(addresses, key -> add(group)));
    update();
    gone.values().forEach(this::remove);
    return Status.OK;
  }

  private Member add(EquivalentAddressGroup group) {
    Subchannel subchannel =
        helper.createSubchannel(CreateSubchannelArgs.newBuilder().setAddresses(group).build());
    Member member = new Member(MemberAddresses.text(group), subchannel);
    subchannel.start(state -> changed(member, state));
    subchannel.requestConnection();
    return member;
  }

  /** Calls that it has go on; streams are told to move. */
  private void remove(Member member) {
    member.become(ConnectivityState.SHUTDOWN, Status.OK);
    leave(member);
    member.subchannel.shutdown();
  }

  private void changed(Member member, ConnectivityStateInfo now) {
    if (stopped || member.state() == ConnectivityState.SHUTDOWN) {
      return;
    }
    boolean served = member.serves();
    member.become(now.getState(), now.getStatus());
    if (now.getState() == ConnectivityState.IDLE) {
      member.subchannel.requestConnection();
    }
    if (now.getState() == ConnectivityState.IDLE
        || now.getState() == ConnectivityState.TRANSIENT_FAILURE) {
      helper.refreshNameResolution();
    }
    update();
    if (served && !member.serves()) {
      leave(member);
    } else if (!served && member.serves()) {
      left.remove(member);
      tellLeft();
    }
  }

  /** Who is there moves once there is somewhere to go. */
  private void leave(Member member) {
    left.add(member);
    tellLeft();
  }

  private void tellLeft() {
    if (members.values().stream().anyMatch(Member::serves)) {
      left.forEach(Member::tellLeft);
      left.clear();
    }
  }

  @Override
  public void handleNameResolutionError(Status error) {
    if (members.isEmpty()) {
      helper.updateBalancingState(
          ConnectivityState.TRANSIENT_FAILURE, new FixedResultPicker(PickResult.withError(error)));
    }
  }

  private void update() {
    List<Member> serving = members.values().stream().filter(Member::serves).toList();
    if (!serving.isEmpty()) {
      helper.updateBalancingState(ConnectivityState.READY, new TwoChoices(serving, random));
    } else if (members.values().stream()
        .anyMatch(member -> member.state() != ConnectivityState.TRANSIENT_FAILURE)) {
      helper.updateBalancingState(
          ConnectivityState.CONNECTING, new FixedResultPicker(PickResult.withNoResult()));
    } else {
      helper.updateBalancingState(
          ConnectivityState.TRANSIENT_FAILURE,
          new FixedResultPicker(PickResult.withError(noneServes())));
    }
  }

  private Status noneServes() {
    return Status.UNAVAILABLE.withDescription(
        "members: none of %d serves (%s)"
            .formatted(
                members.size(),
                members.values().stream()
                    .map(member -> member.address + ": " + reason(member.failure()))
                    .collect(Collectors.joining("; "))));
  }

  private static String reason(Status failure) {
    Throwable cause = failure.getCause();
    String text = String.valueOf(failure.getDescription());
    return cause == null || cause.getMessage() == null ? text : text + ", " + cause.getMessage();
  }

  @Override
  public void shutdown() {
    stopped = true;
    members.values().forEach(member -> member.subchannel.shutdown());
    members.clear();
  }

  /** Chooses among members that serve. Safe for any thread. */
  static final class TwoChoices extends SubchannelPicker {
    private final List<Member> serving;
    private final RandomGenerator random;

    TwoChoices(List<Member> serving, RandomGenerator random) {
      this.serving = serving;
      this.random = random;
    }

    @Override
    public PickResult pickSubchannel(PickSubchannelArgs call) {
      Route route = call.getCallOptions().getOption(Route.KEY);
      List<Member> candidates = candidates(route);
      Member chosen = lessLoaded(candidates);
      int others =
          (int)
              serving.stream()
                  .filter(one -> one != chosen)
                  .filter(one -> route == null || !route.avoided().contains(one.address))
                  .count();
      return chosen.take(call, others);
    }

    /**
     * Those that talk and are not to be avoided; failing them not to be avoided; failing them all.
     */
    private List<Member> candidates(@Nullable Route route) {
      List<Member> wanted =
          route == null || route.avoided().isEmpty()
              ? serving
              : serving.stream().filter(one -> !route.avoided().contains(one.address)).toList();
      if (wanted.isEmpty()) {
        return serving;
      }
      long now = System.nanoTime();
      List<Member> talking = wanted.stream().filter(one -> !one.silent(now)).toList();
      return talking.isEmpty() ? wanted : talking;
    }

    private Member lessLoaded(List<Member> candidates) {
      int count = candidates.size();
      int first = random.nextInt(count);
      if (count == 1) {
        return candidates.get(first);
      }
      int second = (first + 1 + random.nextInt(count - 1)) % count;
      Member one = candidates.get(first);
      Member other = candidates.get(second);
      return other.load() < one.load() ? other : one;
    }
  }

  /** How gRPC makes one for each channel. */
  private static final class Provider extends LoadBalancerProvider {
    @Override
    public boolean isAvailable() {
      return true;
    }

    @Override
    public int getPriority() {
      return 5; // gRPC's middle: nothing competes for the name
    }

    @Override
    public String getPolicyName() {
      return POLICY;
    }

    @Override
    public LoadBalancer newLoadBalancer(Helper helper) {
      RandomGenerator random = () -> java.util.concurrent.ThreadLocalRandom.current().nextLong();
      return HealthCheckingLoadBalancerUtil.newHealthCheckingLoadBalancer(
          new Factory() {
            @Override
            public LoadBalancer newLoadBalancer(Helper checking) {
              return new MemberBalancer(checking, random);
            }
          },
          helper);
    }
  }
}
