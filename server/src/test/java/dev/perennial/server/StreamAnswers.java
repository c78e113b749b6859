package dev.perennial.server;

import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** The client's side of a stream in tests: collects answers, and reads only as told if so made. */
public final class StreamAnswers<Q, R> implements ClientResponseObserver<Q, R> {
  private static final int SECONDS = 240;

  private final LinkedBlockingQueue<R> answers = new LinkedBlockingQueue<>();
  private final CompletableFuture<@Nullable Void> end = new CompletableFuture<>();
  private final boolean manual;
  private @Nullable ClientCallStreamObserver<Q> call;

  private StreamAnswers(boolean manual) {
    this.manual = manual;
  }

  /** Takes answers as they come. */
  public static <Q, R> StreamAnswers<Q, R> eager() {
    return new StreamAnswers<>(false);
  }

  /** Takes an answer only when {@link #request} asks for it. */
  public static <Q, R> StreamAnswers<Q, R> slow() {
    return new StreamAnswers<>(true);
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<Q> started) {
    call = started;
    if (manual) {
      started.disableAutoRequestWithInitial(0);
    }
  }

  public void request(int count) {
    call().request(count);
  }

  public void cancel() {
    call().cancel("test", null);
  }

  private ClientCallStreamObserver<Q> call() {
    ClientCallStreamObserver<Q> started = call;
    if (started == null) {
      throw new IllegalStateException("not started");
    }
    return started;
  }

  @Override
  public void onNext(R answer) {
    answers.add(answer);
  }

  @Override
  public void onError(Throwable failure) {
    end.completeExceptionally(failure);
  }

  @Override
  public void onCompleted() {
    end.complete(null);
  }

  /** The next answer, waited for. */
  public R next() {
    try {
      R answer = answers.poll(SECONDS, TimeUnit.SECONDS);
      if (answer == null) {
        throw new AssertionError("no answer");
      }
      return answer;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** So many answers, waited for. */
  public List<R> next(int count) {
    List<R> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(next());
    }
    return all;
  }

  /** Answers that came and were not taken. */
  public int waiting() {
    return answers.size();
  }

  /** Waits for the end; the failure where it was one. */
  public @Nullable Throwable end() {
    try {
      end.get(SECONDS, TimeUnit.SECONDS);
      return null;
    } catch (ExecutionException e) {
      return e.getCause();
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError(e);
    }
  }
}
