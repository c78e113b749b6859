package dev.perennial.server.grpc;

import com.google.protobuf.Descriptors.MethodDescriptor;
import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.protobuf.Message;
import com.google.protobuf.Parser;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/**
 * One method of a service, bound to what answers it. Immutable.
 *
 * @param path {@code perennial.v1.InferenceService/Classify}
 * @param limited whether the server's own maximum duration holds for it
 * @param watch whether it goes on until somebody ends it
 * @param whileDraining whether it still answers while the server stops
 */
record Method<Q extends Message, R extends Message>(
    String path,
    String inputName,
    Parser<Q> parser,
    Opener<Q, R> opener,
    boolean limited,
    boolean watch,
    boolean whileDraining) {

  /** Makes the state of one call. */
  @FunctionalInterface
  interface Opener<Q extends Message, R extends Message> {
    MessageStream<Q> open(Call<Q, R> call);
  }

  /** Answers a call that has one request; the result is run when the call is over. */
  @FunctionalInterface
  interface Watch<Q extends Message, R extends Message> {
    Runnable start(Call<Q, R> call, Q message);
  }

  /** Any method whose requests are a stream. */
  static <Q extends Message, R extends Message> Method<Q, R> stream(
      ServiceDescriptor service, String name, Q input, Opener<Q, R> opener) {
    MethodDescriptor method = find(service, name, input);
    check(method.isClientStreaming(), method, "streams its requests");
    return of(method, input, opener);
  }

  /** One request, one answer; the future is cancelled where the caller gives up. */
  static <Q extends Message, R extends Message> Method<Q, R> unary(
      ServiceDescriptor service,
      String name,
      Q input,
      BiFunction<Call<Q, R>, Q, CompletableFuture<R>> answer) {
    MethodDescriptor method = find(service, name, input);
    check(!method.isClientStreaming() && !method.isServerStreaming(), method, "is unary");
    return of(method, input, call -> new UnaryStream<>(call, answer));
  }

  /** One request, a stream of answers that comes to an end by itself. */
  static <Q extends Message, R extends Message> Method<Q, R> answers(
      ServiceDescriptor service, String name, Q input, Watch<Q, R> watch) {
    MethodDescriptor method = find(service, name, input);
    check(!method.isClientStreaming() && method.isServerStreaming(), method, "streams its answers");
    return of(method, input, call -> new WatchStream<>(call, watch));
  }

  /** The same that goes on until somebody ends it. */
  static <Q extends Message, R extends Message> Method<Q, R> watch(
      ServiceDescriptor service, String name, Q input, Watch<Q, R> watch) {
    return answers(service, name, input, watch).asWatch();
  }

  /** The same under another name that means the same messages. */
  Method<Q, R> as(ServiceDescriptor service, String name) {
    return new Method<>(
        service.getFullName() + "/" + name,
        inputName,
        parser,
        opener,
        limited,
        watch,
        whileDraining);
  }

  /** The same, without the server's maximum duration. */
  Method<Q, R> unlimited() {
    return new Method<>(path, inputName, parser, opener, false, watch, whileDraining);
  }

  /** The same, answering while the server stops, too. */
  Method<Q, R> answeringWhileDraining() {
    return new Method<>(path, inputName, parser, opener, limited, watch, true);
  }

  private Method<Q, R> asWatch() {
    return new Method<>(path, inputName, parser, opener, false, true, whileDraining);
  }

  private static <Q extends Message, R extends Message> Method<Q, R> of(
      MethodDescriptor method, Q input, Opener<Q, R> opener) {
    @SuppressWarnings("unchecked") // a message's parser makes messages of its class
    Parser<Q> parser = (Parser<Q>) input.getParserForType();
    String path = method.getService().getFullName() + "/" + method.getName();
    return new Method<>(
        path, method.getInputType().getFullName(), parser, opener, true, false, false);
  }

  private static MethodDescriptor find(ServiceDescriptor service, String name, Message input) {
    MethodDescriptor method = service.findMethodByName(name);
    if (method == null) {
      throw new IllegalArgumentException(service.getFullName() + " has no method " + name);
    }
    check(method.getInputType().equals(input.getDescriptorForType()), method, "takes that message");
    return method;
  }

  private static void check(boolean condition, MethodDescriptor method, String expected) {
    if (!condition) {
      throw new IllegalArgumentException(method.getFullName() + " (expected: " + expected + ")");
    }
  }
}
