package dev.perennial.server.device;

import static dev.perennial.server.device.ServedPool.FROZEN_VERSION;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.perennial.server.clip.LabelSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What {@link TextFeatures} remembers, within a bound that the two caches share: features per text,
 * which label sets have in common, and whole segments per label set. Owned by the worker's thread.
 */
final class TextCaches {
  /** What a key, its tokens and the cache's own entry take, roughly. */
  private static final int ENTRY_BYTES = 256;

  record TextKey(String versionId, int point, List<Integer> tokens) {}

  /** Label sets by identity: see {@link KnownLabels#canonical}. */
  record JobKey(Identity labels, String versionId, int low, int high) {}

  record Identity(LabelSet labels) {
    @Override
    @SuppressWarnings("ReferenceEquality") // the point of it
    public boolean equals(@Nullable Object other) {
      return other instanceof Identity that && labels == that.labels;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(labels);
    }
  }

  private final int embedDim;
  private final Cache<TextKey, float[]> texts;
  private final Cache<JobKey, LabelFeatures> segments;

  TextCaches(int embedDim, long maxBytes) {
    this.embedDim = embedDim;
    // Runnable::run: evictions happen at once, so that the bound holds at every moment.
    texts =
        Caffeine.newBuilder()
            .maximumWeight(maxBytes / 2)
            .<TextKey, float[]>weigher(
                (key, values) ->
                    ENTRY_BYTES + 16 * key.tokens().size() + Float.BYTES * values.length)
            .executor(Runnable::run)
            .build();
    segments =
        Caffeine.newBuilder()
            .maximumWeight(maxBytes / 2)
            .<JobKey, LabelFeatures>weigher(
                (key, features) -> (int) Math.min(Integer.MAX_VALUE, ENTRY_BYTES + bytes(key)))
            .executor(Runnable::run)
            .build();
  }

  void keepOnly(Set<String> versionIds) {
    texts.asMap().keySet().removeIf(key -> !kept(key.versionId(), versionIds));
    segments.asMap().keySet().removeIf(key -> !kept(key.versionId(), versionIds));
  }

  private static boolean kept(String versionId, Set<String> versionIds) {
    return versionId.equals(FROZEN_VERSION) || versionIds.contains(versionId);
  }

  /** Features (E) of one text. */
  float @Nullable [] text(TextKey key) {
    return texts.getIfPresent(key);
  }

  void put(TextKey key, float[] features) {
    texts.put(key, features);
  }

  @Nullable LabelFeatures segment(JobKey key) {
    return segments.getIfPresent(key);
  }

  void put(JobKey key, LabelFeatures features) {
    segments.put(key, features);
  }

  /** What the matrices of a segment take. */
  long bytes(JobKey key) {
    return LabelFeatures.bytes(key.labels().labels(), embedDim, key.low() == key.high());
  }
}
