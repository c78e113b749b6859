package dev.perennial.server.grpc;

import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.device.Devices;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.task.Cluster;
import dev.perennial.server.task.PoolWriter;
import dev.perennial.server.task.TaskPool;
import dev.perennial.server.training.TrainingJobs;
import io.grpc.health.v1.HealthProto;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** All services that are answered, and the threads that belong to them. */
final class Services implements AutoCloseable {
  private final DecodePool decodePool;
  private final StorePool storePool = new StorePool();
  private final HealthService health;
  private final List<Method<?, ?>> methods = new ArrayList<>();

  Services(
      GrpcConfig config,
      ModelDirectory model,
      TaskPool pool,
      PoolWriter writer,
      Cluster cluster,
      Devices devices,
      TrainingJobs jobs,
      ImageDecoder decoder,
      ImageDecoder.Limits limits) {
    decodePool =
        new DecodePool(
            config.decodeThreads(), config.maxDecodeQueueSize(), config.maxDecodeQueueBytes());
    List<ServiceDescriptor> ours =
        List.of(
            InferenceService.SERVICE,
            TrainingService.SERVICE,
            TaskService.SERVICE,
            ClusterService.SERVICE);
    health =
        new HealthService(
            ours.stream().map(ServiceDescriptor::getFullName).collect(Collectors.toSet()));
    methods.addAll(
        new InferenceService(config, model, devices, decoder, limits, decodePool).methods());
    methods.addAll(new TrainingService(config, model.config(), limits, jobs, storePool).methods());
    methods.addAll(new TaskService(pool, writer, devices, storePool).methods());
    methods.addAll(new TaskFiles(model.config(), pool, writer, devices, storePool).methods());
    methods.addAll(new ClusterService(cluster, storePool).methods());
    List<ServiceDescriptor> described = new ArrayList<>(ours);
    described.addAll(HealthProto.getDescriptor().getServices());
    methods.addAll(health.methods());
    methods.addAll(new ReflectionService(described).methods());
    requireBound(described, methods);
  }

  List<Method<?, ?>> methods() {
    return methods;
  }

  HealthService health() {
    return health;
  }

  void start() {
    decodePool.start();
  }

  @Override
  public void close() {
    decodePool.close();
    storePool.close();
  }

  /** Throws where a method of the contract is answered by nobody. */
  static void requireBound(List<ServiceDescriptor> services, List<Method<?, ?>> methods) {
    Set<String> bound = new HashSet<>();
    methods.forEach(method -> bound.add(method.path()));
    for (ServiceDescriptor service : services) {
      for (MethodDescriptor method : service.getMethods()) {
        String path = service.getFullName() + "/" + method.getName();
        if (!bound.contains(path)) {
          throw new IllegalStateException("nobody answers " + path);
        }
      }
    }
  }
}
