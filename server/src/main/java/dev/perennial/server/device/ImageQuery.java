package dev.perennial.server.device;

import dev.perennial.server.scoring.ScoringRule;

/**
 * One image to classify.
 *
 * @param pixels (3, S, S), finite
 * @param deadlineNanos on {@link System#nanoTime}'s clock; Long.MAX_VALUE for none
 * @param source who asks: one stream or connection; sources share the device fairly
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
public record ImageQuery(
    float[] pixels,
    Candidates candidates,
    ScoringRule scoring,
    long deadlineNanos,
    Object source) {}
