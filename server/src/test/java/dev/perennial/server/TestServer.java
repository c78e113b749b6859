package dev.perennial.server;

import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.TaskServiceGrpc;
import dev.perennial.v1.TrainingServiceGrpc;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;

/** A server with {@link TinyModel} on a free port, in this JVM, and plain grpc-java stubs to it. */
public final class TestServer implements AutoCloseable {
  private final Server server;
  private final ManagedChannel channel;
  private final List<ManagedChannel> others = new ArrayList<>();

  private TestServer(ServerConfig config) {
    server = Server.start(config);
    channel = newChannel(server.port());
  }

  /**
   * A server on a free port.
   *
   * @param directory holds the model and the data; a server started there again finds both
   */
  public static TestServer start(Path directory) {
    return start(directory, config -> config);
  }

  /** The same with other settings. */
  public static TestServer start(Path directory, UnaryOperator<ServerConfig> settings) {
    Path model = TinyModel.write(directory.resolve("model"));
    ServerConfig config =
        ServerConfig.DEFAULT.onFreePort().withModel(model).withData(directory.resolve("data"));
    return new TestServer(settings.apply(config));
  }

  public int port() {
    return server.port();
  }

  public Server server() {
    return server;
  }

  public ManagedChannel channel() {
    return channel;
  }

  /** Another connection, closed with the server. */
  public ManagedChannel anotherChannel() {
    ManagedChannel another = newChannel(server.port());
    others.add(another);
    return another;
  }

  public InferenceServiceGrpc.InferenceServiceStub inference() {
    return InferenceServiceGrpc.newStub(channel).withDeadlineAfter(10, TimeUnit.MINUTES);
  }

  public InferenceServiceGrpc.InferenceServiceBlockingStub inferenceBlocking() {
    return InferenceServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.MINUTES);
  }

  public TrainingServiceGrpc.TrainingServiceStub training() {
    return TrainingServiceGrpc.newStub(channel).withDeadlineAfter(10, TimeUnit.MINUTES);
  }

  public TrainingServiceGrpc.TrainingServiceBlockingStub trainingBlocking() {
    return TrainingServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.MINUTES);
  }

  public TaskServiceGrpc.TaskServiceBlockingStub tasks() {
    return TaskServiceGrpc.newBlockingStub(channel).withDeadlineAfter(10, TimeUnit.MINUTES);
  }

  /** A plain-text connection to a port of this machine. */
  public static ManagedChannel newChannel(int port) {
    return NettyChannelBuilder.forAddress("127.0.0.1", port).usePlaintext().build();
  }

  @Override
  public void close() {
    channel.shutdownNow();
    others.forEach(ManagedChannel::shutdownNow);
    server.close();
  }
}
