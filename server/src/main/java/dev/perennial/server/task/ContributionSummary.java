package dev.perennial.server.task;

import java.util.Arrays;
import java.util.List;

/**
 * What a contribution's file says beside its sums. Immutable; safe for any thread.
 *
 * @param examplesOf per class name its examples
 */
public record ContributionSummary(
    String contributionId,
    String task,
    String requestId,
    List<String> classNames,
    List<Long> examplesOf,
    String backboneFingerprint) {

  static ContributionSummary of(String contributionId, Contribution contribution) {
    return new ContributionSummary(
        contributionId,
        contribution.task(),
        contribution.requestId(),
        contribution.classNames(),
        Arrays.stream(contribution.statistics().classCounts()).boxed().toList(),
        contribution.backboneFingerprint());
  }

  /** All of them. */
  public long examples() {
    return examplesOf.stream().mapToLong(count -> count).sum();
  }

  /** Whether it can be added to the version's statistics: the version knows all its classes. */
  boolean countsWith(TaskVersion version) {
    return version.classNames().containsAll(classNames)
        && version.backboneFingerprint().equals(backboneFingerprint);
  }
}
