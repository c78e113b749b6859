package dev.perennial.server.task;

/**
 * A stored version that cannot serve here: damaged, missing, or made for another backbone. It stays
 * where it is.
 *
 * @param active whether the task's traffic should go to it; then the task does not serve
 * @param cause what is wrong, in words
 */
public record UnavailableVersion(String task, String versionId, boolean active, String cause) {}
