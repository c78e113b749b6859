package dev.perennial.server.device;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.task.Prefixes;
import java.util.List;

/** A {@link ClipModel} with the prefixes that it serves now. Owned by the thread that made it. */
final class ClipEncoder implements Encoder {
  private final ClipModel model;
  private PrefixBank bank;

  private ClipEncoder(ClipModel model, PrefixBank bank) {
    this.model = model;
    this.bank = bank;
  }

  static ClipEncoder load(ModelDirectory directory, String device, Precision precision) {
    return of(ClipModel.load(directory, device, precision));
  }

  /** Takes the model over. */
  static ClipEncoder of(ClipModel model) {
    try {
      return new ClipEncoder(model, model.bank(List.of()));
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  @Override
  public ClipConfig config() {
    return model.config();
  }

  @Override
  public float logitScale() {
    return model.logitScale();
  }

  @Override
  public void install(List<Prefixes> tasks) {
    PrefixBank next = model.bank(tasks);
    bank.close();
    bank = next;
  }

  @Override
  public float[] imageFeatures(List<float[]> pixels, int[] slots, float[] gateWeights) {
    return model.imageFeatures(pixels, bank, slots, gateWeights);
  }

  @Override
  public float[] textFeatures(List<int[]> tokens, int[] slots, float[] gateWeights) {
    return model.textFeatures(tokens, bank, slots, gateWeights);
  }

  @Override
  public <T> T run(DeviceStep<T> step) {
    return step.run(model);
  }

  @Override
  public void close() {
    try (model) {
      bank.close();
    }
  }
}
