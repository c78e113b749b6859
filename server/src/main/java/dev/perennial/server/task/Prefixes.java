package dev.perennial.server.task;

import java.util.List;

/**
 * One task's learned keys and values; per layer, from the first, (P, W) row by row, float32. Never
 * changed once built.
 *
 * @param length P
 */
@SuppressWarnings("ArrayRecordComponent") // large; compared by the version's hash
public record Prefixes(
    int length,
    List<float[]> imageKeys,
    List<float[]> imageValues,
    List<float[]> textKeys,
    List<float[]> textValues) {}
