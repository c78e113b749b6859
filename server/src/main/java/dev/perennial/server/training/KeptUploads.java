package dev.perennial.server.training;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Uploads on disk whose streams broke, by their request ids. They wait so long and no longer, and
 * give way, the oldest first, to uploads that need their room. Safe for any thread.
 */
final class KeptUploads {
  /** A client that wants to go on does so within minutes. */
  static final Duration KEEP = Duration.ofMinutes(15);

  /** One of them; its bytes are those on disk. */
  record Kept(String id, TrainingSpec spec, long bytes) {}

  private record Waiting(Kept upload, long sinceNanos) {}

  private final LongSupplier nanoTime;

  /** The longest waiting first. */
  @GuardedBy("this")
  private final LinkedHashMap<String, Waiting> waiting = new LinkedHashMap<>();

  KeptUploads(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** The caller throws away what is replaced: an older upload of the same request. */
  synchronized Optional<Kept> add(Kept upload) {
    Waiting before = waiting.remove(upload.spec().requestId());
    waiting.put(upload.spec().requestId(), new Waiting(upload, nanoTime.getAsLong()));
    return Optional.ofNullable(before).map(Waiting::upload);
  }

  /** The same of one that another server had: of two of one request that stays which has more. */
  synchronized Optional<Kept> addBest(Kept upload) {
    Waiting present = waiting.get(upload.spec().requestId());
    return present != null && present.upload().bytes() > upload.bytes()
        ? Optional.of(upload)
        : add(upload);
  }

  synchronized Optional<Kept> find(String requestId) {
    return Optional.ofNullable(waiting.get(requestId)).map(Waiting::upload);
  }

  /** Who takes one goes on with it. */
  synchronized Optional<Kept> take(String requestId) {
    return Optional.ofNullable(waiting.remove(requestId)).map(Waiting::upload);
  }

  synchronized Optional<Kept> remove(String id) {
    Optional<Kept> found =
        waiting.values().stream()
            .map(Waiting::upload)
            .filter(upload -> upload.id().equals(id))
            .findFirst();
    found.ifPresent(upload -> waiting.remove(upload.spec().requestId()));
    return found;
  }

  /** Who takes one throws it away. */
  synchronized Optional<Kept> takeOldest() {
    return takeOldest(upload -> true);
  }

  /** The same where it has waited too long. */
  synchronized Optional<Kept> takeExpired() {
    long now = nanoTime.getAsLong();
    return takeOldest(upload -> now - upload.sinceNanos() > KEEP.toNanos());
  }

  @GuardedBy("this")
  private Optional<Kept> takeOldest(Predicate<Waiting> which) {
    Iterator<Map.Entry<String, Waiting>> entries = waiting.entrySet().iterator();
    if (!entries.hasNext()) {
      return Optional.empty();
    }
    Waiting oldest = entries.next().getValue();
    if (!which.test(oldest)) {
      return Optional.empty();
    }
    entries.remove();
    return Optional.of(oldest.upload());
  }

  synchronized int size() {
    return waiting.size();
  }
}
