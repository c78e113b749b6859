package dev.perennial.server.task;

import dev.perennial.server.gaussian.TaskGaussian;

/** A task as it serves: its active version, with its Gaussian ready. Immutable. */
public record ActiveTask(
    String name, String versionId, TaskVersion version, TaskGaussian gaussian) {}
