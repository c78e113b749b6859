package dev.perennial.server.task;

import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * One immutable result of training. Its id is the SHA-256 of its safetensors bytes (see {@link
 * TaskVersionFile}).
 *
 * @param options the hyper-parameters, every default filled in, by name
 * @param metrics what training measured, by name (accuracies in [0, 1])
 */
public record TaskVersion(
    String task,
    List<String> classNames,
    String template,
    Prefixes prefixes,
    FeatureStatistics statistics,
    GateConstants gate,
    Map<String, String> options,
    Map<String, Double> metrics,
    long seed,
    String backboneFingerprint,
    Instant created) {}
