package dev.perennial.server.training;

import dev.perennial.server.task.TaskVersion;

/**
 * What a training run leaves.
 *
 * @param features frozen, L2-normalised features of all examples in their order, (n, E) row by row
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record TrainedTask(TaskVersion version, float[] features) {}
