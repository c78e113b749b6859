package dev.perennial.server.training;

import dev.perennial.server.task.Contribution;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.TaskVersion;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** What training needs of the rest of the server. Safe for any thread. */
interface TrainingHost extends Backbone, ExampleCheck {

  /** The model's input, (3, S, S), owned by the caller. */
  float[] pixels(ExampleImage image);

  /** Devices that can train at one time. */
  int devices();

  /** A place on a device. */
  Trainer trainer(int device);

  /** The classes of a task as it serves now; throws NOT_FOUND. */
  List<String> classesOf(String task);

  /** Where a version went, or a contribution. */
  record Published(String versionId, long epoch) {}

  /**
   * Stores a version durably and makes it active; may wait for a disk. Throws UNAVAILABLE
   * (STALE_OWNER) where another server has the job.
   */
  Published publish(TaskVersion version, Fence fence);

  /** The same of a contribution, which is added to its task. */
  Published publish(Contribution contribution, Fence fence);

  /** Completes when every device serves that epoch or a later one. */
  CompletableFuture<Void> installed(long epoch);
}
