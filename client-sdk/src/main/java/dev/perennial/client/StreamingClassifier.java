package dev.perennial.client;

import dev.perennial.client.PerennialException.Code;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ClassifyResponse;
import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.LabelSet;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Classifies images over one stream, the fastest way for many. At most {@link
 * StreamOptions#window()} are under way; beyond that {@link #send} blocks, {@link #trySend} says no
 * and {@link #ready} completes when there is room again. An image that the server refuses fails its
 * own future only. Images are kept until they are answered: when the server that has them is lost
 * or drains, they go to another one. Only where none can be reached does the stream fail, with all
 * that are under way, and a new one must be opened.
 *
 * <p>Safe for any thread. Futures complete on the client's threads: a continuation must not block,
 * and least of all in {@link #send} of the same stream.
 */
public final class StreamingClassifier implements AutoCloseable {
  private final AnswerStream<ClassifyRequest, ClassifyResponse, Classification> stream;
  private final Labels labels;

  StreamingClassifier(Connection connection, Labels labels, StreamOptions options) {
    this.labels = labels;
    stream =
        new AnswerStream<>(
            connection,
            new AnswerStream.Protocol<>(
                InferenceServiceGrpc.getClassifyMethod(),
                ClassifyResponse::getIndex,
                StreamingClassifier::answer),
            connection.config().streamDeadline(),
            options,
            null);
  }

  /** Sends an image when there is room, blocking until there is. */
  public CompletableFuture<Classification> send(Image image) {
    return send(image, labels);
  }

  /** The same with other labels than the stream's. */
  public CompletableFuture<Classification> send(Image image, Labels labels) {
    return stream.send(new Asked(image, labels));
  }

  /** Sends an image if there is room now; empty, and nothing sent, if there is none. */
  public Optional<CompletableFuture<Classification>> trySend(Image image) {
    return stream.trySend(new Asked(image, labels));
  }

  /**
   * Completes when there is room; another sender may take it first. Fails when the stream ended.
   */
  public CompletableFuture<Void> ready() {
    return stream.ready();
  }

  /** Images sent and not answered. */
  public int inFlight() {
    return stream.inFlight();
  }

  /** Breaks the stream off; what is under way fails with CANCELLED. */
  public void cancel() {
    stream.abort(new PerennialException(Code.CANCELLED, "stream: cancelled by the caller"));
  }

  /** Waits for the answers under way, at most for the answer deadline. */
  @Override
  public void close() {
    stream.close();
  }

  private static Classification answer(ClassifyResponse response) {
    return switch (response.getOutcomeCase()) {
      case CLASSIFICATION -> Classification.of(response.getClassification());
      case ERROR -> throw PerennialException.of(response.getError());
      case OUTCOME_NOT_SET -> throw new PerennialException(Code.INTERNAL, "answer: empty");
    };
  }

  /** An image; its labels go with it where those of the image before it were others. */
  private record Asked(Image image, Labels labels)
      implements AnswerStream.Request<ClassifyRequest> {
    @Override
    public ClassifyRequest message(AnswerStream.@Nullable Request<ClassifyRequest> before) {
      ClassifyRequest.Builder request = labels.request().toBuilder().setImage(image.message());
      LabelSet known = before instanceof Asked asked ? asked.labels.request().getLabelSet() : null;
      return labels.request().getLabelSet().equals(known)
          ? request.clearLabelSet().build()
          : request.build();
    }
  }
}
