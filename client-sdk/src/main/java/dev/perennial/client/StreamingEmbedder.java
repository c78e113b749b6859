package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.EmbedRequest;
import dev.perennial.v1.EmbedResponse;
import dev.perennial.v1.InferenceServiceGrpc;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** Embeds images and texts over one stream; the rules are those of {@link StreamingClassifier}. */
public final class StreamingEmbedder implements AutoCloseable {
  private final AnswerStream<EmbedRequest, EmbedResponse, Embedding> stream;

  StreamingEmbedder(Connection connection, StreamOptions options) {
    this(connection, connection.config().streamDeadline(), options, null);
  }

  /**
   * @param only where to, if it must not move
   */
  private StreamingEmbedder(
      Connection connection, Duration deadline, StreamOptions options, @Nullable Route only) {
    stream =
        new AnswerStream<>(
            connection,
            new AnswerStream.Protocol<>(
                InferenceServiceGrpc.getEmbedMethod(),
                EmbedResponse::getIndex,
                StreamingEmbedder::answer),
            deadline,
            options,
            only);
  }

  /** Sends a query when there is room, blocking until there is. */
  public CompletableFuture<Embedding> send(EmbedQuery query) {
    return stream.send(before -> query.message());
  }

  /** Sends a query if there is room now; empty, and nothing sent, if there is none. */
  public Optional<CompletableFuture<Embedding>> trySend(EmbedQuery query) {
    return stream.trySend(before -> query.message());
  }

  /**
   * Completes when there is room; another sender may take it first. Fails when the stream ended.
   */
  public CompletableFuture<Void> ready() {
    return stream.ready();
  }

  /** Breaks the stream off; what is under way fails with CANCELLED. */
  public void cancel() {
    stream.abort(new PerennialException(Code.CANCELLED, "stream: cancelled by the caller"));
  }

  /** One query by a stream of its own; completing the future from outside cancels it. */
  static CompletableFuture<Embedding> one(
      Connection connection, EmbedQuery query, Duration left, Route route) {
    StreamingEmbedder embedder =
        new StreamingEmbedder(connection, left, new StreamOptions(1, left), route);
    CompletableFuture<Embedding> answer =
        embedder
            .ready()
            .thenCompose(
                ready -> {
                  CompletableFuture<Embedding> sent = embedder.send(query);
                  embedder.finish();
                  return sent;
                });
    var unused =
        answer.whenComplete(
            (value, failure) -> {
              if (failure != null) {
                embedder.cancel();
              }
            });
    return answer;
  }

  /** No more queries; what is under way is still answered. Does not wait. */
  void finish() {
    stream.halfClose();
  }

  /** Waits for the answers under way, at most for the answer deadline. */
  @Override
  public void close() {
    stream.close();
  }

  private static Embedding answer(EmbedResponse response) {
    return switch (response.getOutcomeCase()) {
      case EMBEDDING -> Embedding.of(response.getEmbedding());
      case ERROR -> throw PerennialException.of(response.getError());
      case OUTCOME_NOT_SET -> throw new PerennialException(Code.INTERNAL, "answer: empty");
    };
  }
}
