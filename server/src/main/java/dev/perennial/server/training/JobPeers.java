package dev.perennial.server.training;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * The other servers of a cluster, as training needs them. A server alone has {@link #ALONE}. Safe
 * for any thread; {@link #fetch} and {@link #cancel} wait for the others, nothing else does.
 */
public interface JobPeers {
  /** Reason of a failure: this server closes, or works on it no more. */
  String CLOSING = "CLOSING";

  /** Nobody. */
  JobPeers ALONE = new NoPeers();

  /** Whether there never are others: then whatever is on the disk belongs to this server. */
  boolean alone();

  /** Training has begun here; jobs and uploads that this disk holds are asked for one by one. */
  void start(LocalJobs local);

  /** An upload begins here. */
  void opened(String id);

  /** Completes when all that this disk has of an upload or a job is on another one too. */
  CompletableFuture<Void> copied(String id);

  /**
   * Makes a job its request's, once it is on enough disks; completes with the job that the request
   * has: this one, or one that another server was quicker with.
   */
  CompletableFuture<TrainingJob> register(TrainingJob job);

  /** The fencing token under which a job runs here; 0 alone. */
  long token(String jobId);

  /** This server has doubts whether a job is still its own. */
  void doubt(String jobId);

  /** Jobs have changed. */
  void changed();

  /** An upload or a job needs no copy any more. */
  void dropped(String id);

  /**
   * Brings the upload of a request here, if another server has it, or has more of it. Throws
   * RESOURCE_EXHAUSTED where there is no room for it here, UNAVAILABLE where others do not answer.
   */
  void fetch(String requestId);

  /** Asks the server that runs a job to stop it; empty where this one does. */
  Optional<TrainingJob> cancel(String jobId);
}
