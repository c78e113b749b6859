package dev.perennial.server.device;

import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs rows through the encoder's towers together; where that fails, each by itself, so that only
 * the bad one is lost. Methods throw {@link DeviceBrokenError} where it is not the row that is bad.
 * Owned by the worker's thread.
 */
final class Towers {
  private static final Logger log = LoggerFactory.getLogger(Towers.class);

  /** A row in one pass of a tower. */
  private interface Pass {
    Row row();
  }

  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  record ImagePass(Row row, float[] pixels, int slot, float gateWeight) implements Pass {}

  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  record TextPass(EmbedRow row, int[] tokens, int slot, float gateWeight) implements Pass {}

  /** One tower over some rows: (B, E). */
  private interface Tower<P> {
    float[] features(List<P> passes);
  }

  private final String device;
  private final Encoder encoder;
  private final BiConsumer<Row, RuntimeException> failAlone;

  /**
   * @param failAlone what becomes of a row that is bad
   */
  Towers(String device, Encoder encoder, BiConsumer<Row, RuntimeException> failAlone) {
    this.device = device;
    this.encoder = encoder;
    this.failAlone = failAlone;
  }

  /**
   * @param done what becomes of a pass's features (E)
   */
  void images(List<ImagePass> passes, BiConsumer<ImagePass, float[]> done) {
    run(passes, this::imageFeatures, done);
  }

  /** The same for texts. */
  void texts(List<TextPass> passes, BiConsumer<TextPass, float[]> done) {
    run(passes, this::textFeatures, done);
  }

  private float[] imageFeatures(List<ImagePass> passes) {
    return encoder.imageFeatures(
        passes.stream().map(ImagePass::pixels).toList(),
        passes.stream().mapToInt(ImagePass::slot).toArray(),
        floats(passes.stream().map(ImagePass::gateWeight).toList()));
  }

  private float[] textFeatures(List<TextPass> passes) {
    return encoder.textFeatures(
        passes.stream().map(TextPass::tokens).toList(),
        passes.stream().mapToInt(TextPass::slot).toArray(),
        floats(passes.stream().map(TextPass::gateWeight).toList()));
  }

  private <P extends Pass> void run(List<P> passes, Tower<P> tower, BiConsumer<P, float[]> done) {
    if (passes.isEmpty()) {
      return;
    }
    float[] features;
    try {
      features = tower.features(passes);
    } catch (RuntimeException e) {
      if (passes.size() == 1) {
        WarmUp.requireWorking(encoder);
        failAlone.accept(passes.get(0).row(), e);
      } else {
        log.warn(
            "{}: a batch of {} rows failed ({}); running each by itself",
            device,
            passes.size(),
            e.toString());
        passes.forEach(pass -> run(List.of(pass), tower, done));
      }
      return;
    }
    int embedDim = encoder.config().embedDim();
    for (int i = 0; i < passes.size(); i++) {
      float[] values = Arrays.copyOfRange(features, i * embedDim, (i + 1) * embedDim);
      P pass = passes.get(i);
      try {
        checkFinite(values);
        done.accept(pass, values);
      } catch (RuntimeException e) {
        failAlone.accept(pass.row(), e);
      }
    }
  }

  private static void checkFinite(float[] features) {
    for (float value : features) {
      if (!Float.isFinite(value)) {
        throw new ArithmeticException("features: " + value + " (expected: finite)");
      }
    }
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }
}
