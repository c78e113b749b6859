package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.InferenceServiceGrpc;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** A server that refuses a request before it has arrived. */
class EarlyRefusalTest {
  private static ServerServiceDefinition refusing() {
    return ServerServiceDefinition.builder(InferenceServiceGrpc.getServiceDescriptor().getName())
        .addMethod(
            InferenceServiceGrpc.getClassifyImageMethod(),
            (call, headers) -> {
              call.close(Status.INVALID_ARGUMENT.withDescription("no image"), new Metadata());
              return new ServerCall.Listener<ClassifyImageRequest>() {};
            })
        .build();
  }

  @Test
  void classifyAsync_refusedBeforeTheRequestHasLeft_failsWithTheRefusal() throws IOException {
    String name = UUID.randomUUID().toString();
    // Everything on the caller's thread: the refusal is there before the request is sent.
    Server server =
        InProcessServerBuilder.forName(name)
            .directExecutor()
            .addService(refusing())
            .build()
            .start();
    try (PerennialClient client =
        PerennialClient.builder()
            .build(
                () -> InProcessChannelBuilder.forName(name).directExecutor(),
                new RetryPolicy(() -> 0.0))) {
      // The first call connects, and is sent from another thread.
      assertRefused(client.classifyAsync(Image.png(new byte[1]), Labels.of("x")));
      assertRefused(client.classifyAsync(Image.png(new byte[1]), Labels.of("x")));
      assertRefused(client.classifyAsync(Image.png(new byte[1]), Labels.of("x")));
    } finally {
      server.shutdownNow();
    }
  }

  private static void assertRefused(CompletableFuture<?> answer) {
    CompletionException failed = assertThrows(CompletionException.class, answer::join);
    assertEquals(
        Code.INVALID_ARGUMENT,
        assertInstanceOf(PerennialException.class, failed.getCause()).code());
  }
}
