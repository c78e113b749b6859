package dev.perennial.server.training;

import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.util.Optional;
import java.util.UUID;

/** Begins uploads, and goes on with those whose streams broke. Safe for any thread. */
final class Uploads {
  /** Frozen features are kept for a job's whole length: this bounds an upload's examples too. */
  private static final long MAX_FEATURE_BYTES = 1L << 30;

  private final Spool spool;
  private final TrainingHost host;
  private final JobTable jobs;
  private final JobTransitions transitions;

  Uploads(Spool spool, TrainingHost host, JobTable jobs, JobTransitions transitions) {
    this.spool = spool;
    this.host = host;
    this.jobs = jobs;
    this.transitions = transitions;
  }

  /** Finds what an earlier process kept. */
  void restore() throws IOException {
    spool.store().loadUploads().forEach(this::keep);
  }

  /** An upload that another member had. */
  void restore(String id) throws IOException {
    UploadStart found = spool.store().loadUpload(id);
    spool.store().cutSpool(id, found.contents().bytes());
    keep(found);
  }

  private void keep(UploadStart found) {
    spool.addBytes(found.contents().bytes());
    spool.keepBest(new KeptUploads.Kept(found.id(), found.spec(), found.contents().bytes()));
  }

  /** Ends the stream of a request's upload, if it has one; the id of what is kept of it then. */
  Optional<String> detach(String requestId) {
    spool.open(requestId).ifPresent(Uploads::detach);
    return spool.kept().find(requestId).map(KeptUploads.Kept::id);
  }

  /** What is kept becomes a copy; false where nothing is kept under that id. */
  boolean handOver(String id) throws IOException {
    Optional<KeptUploads.Kept> kept =
        spool.kept().remove(id); // nobody goes on with it from here on
    if (kept.isEmpty()) {
      return false;
    }
    try {
      spool.store().setAside(id);
    } catch (IOException e) {
      spool.keep(kept.get());
      throw e;
    }
    spool.releaseBytes(kept.get().bytes());
    return true;
  }

  /** Waits for the disk where it goes on with an upload. */
  UploadOpening open(TrainingSpec wanted, UploadMode mode) {
    SpecRules.check(wanted, host.config());
    TrainingSpec spec =
        wanted.statisticsOnly() ? SpecRules.inTask(wanted, host.classesOf(wanted.task())) : wanted;
    String requestId = spec.requestId();
    if (mode == UploadMode.RESUMED) {
      detach(requestId);
      if (jobs.findRequest(requestId).isEmpty()) {
        spool.peers().fetch(requestId);
      }
    }
    Optional<TrainingJob> made = jobs.findRequest(requestId);
    if (made.isPresent()) {
      return new UploadOpening.Made(made.get());
    }
    Optional<KeptUploads.Kept> kept =
        mode == UploadMode.RESUMED ? take(requestId, spec) : Optional.empty();
    UploadStart start =
        kept.isPresent()
            ? load(kept.get())
            : UploadStart.fresh(UUID.randomUUID().toString(), spec, mode != UploadMode.ONE_STREAM);
    long mostFeatures =
        MemoryBounds.ofHeap(MAX_FEATURE_BYTES) / ((long) Float.BYTES * host.config().embedDim());
    long maxExamples = Math.min(spool.config().maxExamples(), mostFeatures);
    SpooledUpload upload = new SpooledUpload(start, spool, host, transitions::commit, maxExamples);
    try {
      spool.acquireUpload(upload);
    } catch (ServingException e) {
      kept.ifPresent(spool::keep);
      throw e;
    }
    if (kept.isEmpty()) {
      spool.peers().opened(start.id());
    }
    return new UploadOpening.Open(upload);
  }

  /** Its stream may have broken without anybody having noticed yet. */
  private static void detach(SpooledUpload upload) {
    upload.keep();
    upload.gone().join();
  }

  private Optional<KeptUploads.Kept> take(String requestId, TrainingSpec spec) {
    Optional<KeptUploads.Kept> kept = spool.kept().find(requestId);
    if (kept.isPresent() && !kept.get().spec().equals(spec)) {
      throw ServingException.invalid(
          "SPEC_CHANGED",
          "spec",
          "spec: another than before (expected: the one that upload "
              + ServingException.quoted(requestId)
              + " began with)");
    }
    return spool.kept().take(requestId);
  }

  private UploadStart load(KeptUploads.Kept kept) {
    try {
      return spool.store().loadUpload(kept.id());
    } catch (NoSuchFileException e) { // it was abandoned at this moment
      spool.releaseBytes(kept.bytes());
      throw UploadRules.moved();
    } catch (IOException e) {
      spool.keep(kept);
      throw Disk.failure("upload", e);
    }
  }
}
