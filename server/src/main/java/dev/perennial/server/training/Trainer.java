package dev.perennial.server.training;

import dev.perennial.server.clip.PrefixTraining;
import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.task.Prefixes;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One job's place on a device. Every call is one short piece of device work, done in the order of
 * the calls; serving goes on in between. Used by one thread.
 */
interface Trainer extends AutoCloseable {

  /** Frozen, L2-normalised features, (B, E) row by row. */
  CompletableFuture<float[]> imageFeatures(List<float[]> pixels);

  /** Fresh prefixes; once, before any step. */
  CompletableFuture<Void> start(PrefixShape shape, List<int[]> classTokens, long seed);

  /** Given prefixes; once, before any step. */
  CompletableFuture<Void> resume(Prefixes prefixes, List<int[]> classTokens);

  CompletableFuture<PrefixTraining.Step> step(
      List<float[]> pixels, int[] classes, float learningRate);

  /** Logits (B, K) with the present prefixes at w = 1. */
  CompletableFuture<float[]> logits(List<float[]> pixels);

  /** A copy of the present prefixes. */
  CompletableFuture<Prefixes> prefixes();

  /** Frees what the device holds for this job, after the work given before. */
  @Override
  void close();
}
