package dev.perennial.server.grpc;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthProto;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * grpc.health.v1: the server as a whole (name "") and each service by its full name. Ours, because
 * in Vert.x 5.0.7's one cancelled watcher silences the others. Safe for any thread.
 */
final class HealthService {
  private static final ServiceDescriptor SERVICE =
      HealthProto.getDescriptor().findServiceByName("Health");

  private final Set<String> services;
  private final Set<Watcher> watchers = ConcurrentHashMap.newKeySet();
  private volatile ServingStatus status = ServingStatus.NOT_SERVING;

  @GuardedBy("this")
  private boolean stopped;

  /**
   * @param services full names of the services beside ""
   */
  HealthService(Set<String> services) {
    this.services = Set.copyOf(services);
  }

  List<Method<?, ?>> methods() {
    return List.of(
        Method.unary(SERVICE, "Check", HealthCheckRequest.getDefaultInstance(), this::check)
            .answeringWhileDraining(),
        Method.watch(SERVICE, "Watch", HealthCheckRequest.getDefaultInstance(), this::watch)
            .answeringWhileDraining());
  }

  /** All services serve, or none does; without effect once we stop. */
  void serving(boolean serving) {
    synchronized (this) {
      if (stopped) {
        return;
      }
      status = serving ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
    }
    watchers.forEach(Watcher::offer);
  }

  /** None serves, and none will. */
  void stop() {
    synchronized (this) {
      stopped = true;
      status = ServingStatus.NOT_SERVING;
    }
    watchers.forEach(Watcher::offer);
  }

  /** Watches that are open now. */
  int watchers() {
    return watchers.size();
  }

  private CompletableFuture<HealthCheckResponse> check(
      Call<HealthCheckRequest, HealthCheckResponse> call, HealthCheckRequest request) {
    ServingStatus now = statusOf(request.getService());
    if (now == ServingStatus.SERVICE_UNKNOWN) {
      throw new ServingException(
          ErrorCode.NOT_FOUND, "UNKNOWN_SERVICE", "service: " + request.getService());
    }
    return CompletableFuture.completedFuture(response(now));
  }

  private Runnable watch(
      Call<HealthCheckRequest, HealthCheckResponse> call, HealthCheckRequest request) {
    Watcher watcher = new Watcher(call, request.getService());
    watchers.add(watcher);
    watcher.offer();
    return () -> watchers.remove(watcher);
  }

  private ServingStatus statusOf(String service) {
    boolean known = service.isEmpty() || services.contains(service);
    return known ? status : ServingStatus.SERVICE_UNKNOWN;
  }

  private static HealthCheckResponse response(ServingStatus status) {
    return HealthCheckResponse.newBuilder().setStatus(status).build();
  }

  /** One open watch; tells a status only where it changes. */
  private final class Watcher {
    private final String service;
    private final LatestWriter<Boolean, HealthCheckResponse> writer;
    private ServingStatus told = ServingStatus.UNRECOGNIZED;

    Watcher(Call<HealthCheckRequest, HealthCheckResponse> call, String service) {
      this.service = service;
      this.writer = new LatestWriter<>(call, (old, fresh) -> fresh, changed -> tell(call));
    }

    void offer() {
      writer.offer(true);
    }

    private void tell(Call<HealthCheckRequest, HealthCheckResponse> call) {
      ServingStatus now = statusOf(service);
      if (now != told) {
        told = now;
        call.write(response(now));
      }
    }
  }
}
