package dev.perennial.server;

import dev.perennial.server.cluster.hazelcast.ClusterConfig;
import dev.perennial.server.device.DevicesConfig;
import dev.perennial.server.grpc.GrpcConfig;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.training.TrainingConfig;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Settings of a server.
 *
 * @param model a Hugging Face CLIPModel directory; null for the built-in model
 * @param data where tasks and training jobs are kept; null for a temporary directory that is
 *     removed when the server closes
 * @param cluster null: this server is alone, and no library for clusters is started
 */
public record ServerConfig(
    @Nullable Path model,
    @Nullable Path data,
    GrpcConfig grpc,
    DevicesConfig devices,
    TrainingConfig training,
    ImageDecoder.Limits images,
    @Nullable ClusterConfig cluster) {

  public static final ServerConfig DEFAULT =
      new ServerConfig(
          null,
          null,
          GrpcConfig.DEFAULT,
          DevicesConfig.DEFAULT,
          TrainingConfig.DEFAULT,
          ImageDecoder.Limits.DEFAULT,
          null);

  /** The same on a free port of the loopback interface. */
  public ServerConfig onFreePort() {
    return new ServerConfig(
        model, data, grpc.at("127.0.0.1", 0), devices, training, images, cluster);
  }

  /** The same with another model. */
  public ServerConfig withModel(Path directory) {
    return new ServerConfig(directory, data, grpc, devices, training, images, cluster);
  }

  /** The same with another data directory. */
  public ServerConfig withData(Path directory) {
    return new ServerConfig(model, directory, grpc, devices, training, images, cluster);
  }

  /** The same with other devices. */
  public ServerConfig withDevices(DevicesConfig newDevices) {
    return new ServerConfig(model, data, grpc, newDevices, training, images, cluster);
  }
}
