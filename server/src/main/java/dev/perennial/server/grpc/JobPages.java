package dev.perennial.server.grpc;

import dev.perennial.server.training.TrainingJob;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.List;
import java.util.function.Predicate;

/**
 * Jobs in pages, newest first. A token holds the instant and the id of its page's last job, for two
 * jobs may be of one instant; one with the instant alone, as earlier servers gave, is read too.
 */
final class JobPages {
  private static final char BETWEEN = ' ';

  private JobPages() {}

  /**
   * @param all newest first
   */
  static Pages.Page<TrainingJob> page(List<TrainingJob> all, int pageSize, String token) {
    return Pages.page(all, pageSize, token, JobPages::key, JobPages::behind);
  }

  private static String key(TrainingJob job) {
    return job.created().toString() + BETWEEN + job.jobId();
  }

  private static Predicate<TrainingJob> behind(String key) {
    int end = key.indexOf(BETWEEN);
    try {
      Instant created = Instant.parse(end < 0 ? key : key.substring(0, end));
      String id = end < 0 ? "" : key.substring(end + 1); // no id comes before the empty one
      return job ->
          job.created().isBefore(created)
              || (job.created().equals(created) && job.jobId().compareTo(id) < 0);
    } catch (DateTimeParseException e) {
      throw Pages.badToken();
    }
  }
}
