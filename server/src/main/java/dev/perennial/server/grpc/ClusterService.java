package dev.perennial.server.grpc;

import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.perennial.server.task.Cluster;
import dev.perennial.server.task.ClusterView;
import dev.perennial.v1.ClusterProto;
import dev.perennial.v1.Device;
import dev.perennial.v1.GetClusterRequest;
import dev.perennial.v1.GetClusterResponse;
import dev.perennial.v1.Member;
import dev.perennial.v1.MemberState;
import dev.perennial.v1.WatchClusterRequest;
import dev.perennial.v1.WatchClusterResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The members of the cluster, for whoever looks after them. Safe for any thread. */
final class ClusterService {
  static final ServiceDescriptor SERVICE =
      ClusterProto.getDescriptor().findServiceByName("ClusterService");

  private final Cluster cluster;
  private final StorePool store;

  ClusterService(Cluster cluster, StorePool store) {
    this.cluster = cluster;
    this.store = store;
  }

  List<Method<?, ?>> methods() {
    return List.of(
        Method.<GetClusterRequest, GetClusterResponse>unary(
            SERVICE,
            "GetCluster",
            GetClusterRequest.getDefaultInstance(),
            (call, request) -> get(request)),
        Method.<WatchClusterRequest, WatchClusterResponse>watch(
            SERVICE,
            "WatchCluster",
            WatchClusterRequest.getDefaultInstance(),
            (call, request) -> watch(call)));
  }

  private CompletableFuture<GetClusterResponse> get(GetClusterRequest request) {
    return Futures.map(
        store.submit(() -> cluster.describe(request.getWithVersions())),
        view -> GetClusterResponse.newBuilder().addAllMembers(members(view)).build());
  }

  private Runnable watch(Call<WatchClusterRequest, WatchClusterResponse> call) {
    Watcher watcher = new Watcher(call);
    AutoCloseable listening = cluster.listen(watcher::look);
    watcher.look();
    // To stop listening may wait for a change that is being written.
    return () -> Closing.onPool(store, listening);
  }

  /** One open watch: looks once for several changes, and tells what differs from the last time. */
  private final class Watcher {
    private final Call<WatchClusterRequest, WatchClusterResponse> call;
    private final LatestWriter<ClusterView, WatchClusterResponse> latest;
    private final AtomicBoolean looking = new AtomicBoolean();
    private @Nullable ClusterView told;

    Watcher(Call<WatchClusterRequest, WatchClusterResponse> call) {
      this.call = call;
      this.latest = new LatestWriter<>(call, (old, fresh) -> fresh, this::tell);
    }

    void look() {
      if (looking.compareAndSet(false, true)) {
        Futures.onDone(
            store.submit(
                () -> {
                  looking.set(false); // what changes from here on is looked at again
                  return cluster.describe(false);
                }),
            call,
            latest::offer,
            call::fail);
      }
    }

    private void tell(ClusterView view) {
      if (!view.equals(told)) {
        told = view;
        call.write(WatchClusterResponse.newBuilder().addAllMembers(members(view)).build());
      }
    }
  }

  private static List<Member> members(ClusterView view) {
    return view.members().stream().map(ClusterService::member).toList();
  }

  private static Member member(ClusterView.Member member) {
    return Member.newBuilder()
        .setMemberId(member.memberId())
        .setName(member.name())
        .setAddress(member.address())
        .setSoftwareVersion(member.software())
        .setState(state(member))
        .setTrouble(member.trouble())
        .setCoordinator(member.coordinator())
        .setEpoch(member.epoch())
        .setDigest(member.digest())
        .setTasks(member.tasks())
        .setVersions(member.versions())
        .addAllVersionIds(member.versionIds())
        .setContributions(member.contributions())
        .addAllContributionIds(member.contributionIds())
        .addAllDevices(member.devices().stream().map(ClusterService::device).toList())
        .setMerges(member.counters().merges())
        .setRejectedWrites(member.counters().rejected())
        .setTakeovers(member.counters().takeovers())
        .setChanges(member.counters().changes())
        .setCatchUps(member.counters().catchUps())
        .build();
  }

  private static MemberState state(ClusterView.Member member) {
    if (!member.reachable()) {
      return MemberState.MEMBER_STATE_UNREACHABLE;
    }
    return member.ready() ? MemberState.MEMBER_STATE_READY : MemberState.MEMBER_STATE_BEHIND;
  }

  private static Device device(ClusterView.Device device) {
    return Device.newBuilder()
        .setName(device.name())
        .setHealthy(device.healthy())
        .setEpoch(device.epoch())
        .setInFlight(device.inFlight())
        .build();
  }
}
