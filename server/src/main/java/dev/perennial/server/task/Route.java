package dev.perennial.server.task;

/**
 * Where one image goes.
 *
 * @param slot the task's place in the snapshot
 */
public record Route(int slot, double logDensity, double z, double gateWeight) {}
