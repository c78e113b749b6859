package dev.perennial.client;

import java.util.concurrent.CompletableFuture;

/**
 * A training run that this client uploads and then follows. Safe for any thread.
 *
 * <p>Until the commit has arrived, {@link #leave} throws the upload away; from then on the job is
 * the server's and goes on whoever watches. To stop a committed job use {@link
 * PerennialClient#cancelJob}.
 */
public final class TrainingRun {
  private final String requestId;
  private final CompletableFuture<TrainingJob> committed;
  private final CompletableFuture<TrainingJob> completion;

  TrainingRun(
      String requestId,
      CompletableFuture<TrainingJob> committed,
      CompletableFuture<TrainingJob> completion) {
    this.requestId = requestId;
    this.committed = committed;
    this.completion = completion;
  }

  /** The id under which the server knows the request; the same id never trains twice. */
  public String requestId() {
    return requestId;
  }

  /** The job as it was first told, once the commit has arrived; from it the job's id. */
  public CompletableFuture<TrainingJob> committed() {
    return committed.copy();
  }

  /** The job when it has ended, whether well or not: ask its state, or call {@code orThrow()}. */
  public CompletableFuture<TrainingJob> completion() {
    return completion.copy();
  }

  /** Blocks until the job has ended. */
  public TrainingJob await() {
    return Blocking.get(completion);
  }

  /** Stops following; both futures fail with CANCELLED where they are not complete. */
  public void leave() {
    completion.cancel(true);
  }
}
