package dev.perennial.server.device;

/** L2-normalised features and the epoch that they were computed under. */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record Embedding(float[] values, long epoch) {}
