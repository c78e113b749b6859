package dev.perennial.server.grpc;

import com.google.rpc.Status;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.device.Devices;
import dev.perennial.server.device.EmbedQuery;
import dev.perennial.server.device.Embedding;
import dev.perennial.server.error.ServingException;
import dev.perennial.v1.EmbedRequest;
import dev.perennial.v1.EmbedResponse;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One Embed stream: features of images and texts. */
final class EmbedStream extends ItemStream<EmbedRequest, EmbedResponse> {
  private final Call<EmbedRequest, EmbedResponse> call;
  private final Devices devices;
  private final DecodePool pool;
  private final ImageReader images;
  private final Tokenizer tokenizer;

  EmbedStream(
      Call<EmbedRequest, EmbedResponse> call,
      GrpcConfig config,
      Devices devices,
      DecodePool pool,
      ImageReader images,
      Tokenizer tokenizer) {
    super(call, config);
    this.call = call;
    this.devices = devices;
    this.pool = pool;
    this.images = images;
    this.tokenizer = tokenizer;
  }

  @Override
  CompletableFuture<Supplier<EmbedResponse>> answer(EmbedRequest request, long index) {
    String task = request.getTask().isEmpty() ? null : request.getTask();
    float weight = task == null ? 0f : checkedWeight(request.getGateWeight());
    return Futures.map(
        Futures.then(
            pool.submit(request.getSerializedSize(), () -> input(request)),
            input -> devices.embed(query(input, task, weight))),
        embedding -> () -> response(index, embedding));
  }

  @Override
  EmbedResponse error(long index, Status error) {
    return EmbedResponse.newBuilder().setIndex(index).setError(error).build();
  }

  private EmbedQuery query(EmbedQuery.Input input, @Nullable String task, float weight) {
    return new EmbedQuery(input, task, weight, call.deadlineNanos(), call);
  }

  private EmbedQuery.Input input(EmbedRequest request) {
    return switch (request.getInputCase()) {
      case IMAGE -> new EmbedQuery.Input.Pixels(images.pixels(request.getImage()));
      case TEXT -> new EmbedQuery.Input.Tokens(tokens(request.getText()));
      case INPUT_NOT_SET ->
          throw ServingException.invalid(
              "MISSING_INPUT", "input", "input: not set (expected: image or text)");
    };
  }

  private List<Integer> tokens(String text) {
    return Arrays.stream(tokenizer.encode(text)).boxed().toList();
  }

  private static float checkedWeight(float weight) {
    if (!(weight >= 0f && weight <= 1f)) {
      throw ServingException.invalid(
          "GATE_WEIGHT", "gate_weight", "gate weight: " + weight + " (expected: 0..1)");
    }
    return weight;
  }

  private static EmbedResponse response(long index, Embedding embedding) {
    dev.perennial.v1.Embedding.Builder message =
        dev.perennial.v1.Embedding.newBuilder().setEpoch(embedding.epoch());
    for (float value : embedding.values()) {
      message.addValues(value);
    }
    return EmbedResponse.newBuilder().setIndex(index).setEmbedding(message).build();
  }
}
