package dev.perennial.server.training;

import java.io.IOException;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The checkpoints of one job, beside its spool and on a second disk. */
final class JobCheckpoints implements Checkpoints {

  private static final Logger log = LoggerFactory.getLogger(JobCheckpoints.class);

  private final JobStore store;
  private final String jobId;
  private final JobPeers peers;

  JobCheckpoints(JobStore store, String jobId, JobPeers peers) {
    this.store = store;
    this.peers = peers;
    this.jobId = jobId;
  }

  @Override
  public Optional<Checkpoint> load() {
    try {
      Optional<byte[]> bytes = store.loadCheckpoint(jobId);
      if (bytes.isEmpty()) {
        return Optional.empty();
      }
      Optional<Checkpoint> saved = Checkpoint.read(bytes.get());
      if (saved.isEmpty()) {
        log.warn("job {}: checkpoint damaged or of newer software, training from the start", jobId);
      }
      return saved;
    } catch (IOException e) {
      log.warn("job {}: unreadable checkpoint, training from the start", jobId, e);
      return Optional.empty();
    }
  }

  @Override
  public void save(Checkpoint checkpoint) {
    try {
      store.saveCheckpoint(jobId, checkpoint.write());
      var unused = peers.copied(jobId); // without it a takeover costs time and nothing else
    } catch (IOException e) {
      log.warn("job {}: checkpoint of epoch {} not written", jobId, checkpoint.epoch(), e);
    }
  }
}
