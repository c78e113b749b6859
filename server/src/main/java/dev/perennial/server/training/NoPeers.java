package dev.perennial.server.training;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** A server alone: its disk is enough, and every job is its own. */
final class NoPeers implements JobPeers {
  @Override
  public boolean alone() {
    return true;
  }

  @Override
  public void start(LocalJobs local) {}

  @Override
  public void opened(String id) {}

  @Override
  public CompletableFuture<Void> copied(String id) {
    return CompletableFuture.completedFuture(null);
  }

  @Override
  public CompletableFuture<TrainingJob> register(TrainingJob job) {
    return CompletableFuture.completedFuture(job);
  }

  @Override
  public long token(String jobId) {
    return 0;
  }

  @Override
  public void doubt(String jobId) {}

  @Override
  public void changed() {}

  @Override
  public void dropped(String id) {}

  @Override
  public void fetch(String requestId) {}

  @Override
  public Optional<TrainingJob> cancel(String jobId) {
    return Optional.empty();
  }
}
