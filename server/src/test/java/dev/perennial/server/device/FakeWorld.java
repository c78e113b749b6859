package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.gaussian.FeatureStatistics;
import dev.perennial.server.gaussian.GateConstants;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.gaussian.HeadConstants;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.PoolSnapshot;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.Route;
import dev.perennial.server.task.TaskVersion;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Images of domains, tasks that have learnt them, and the obvious way to classify: for tests. */
final class FakeWorld {
  static final String BACKBONE = "cd".repeat(32);

  /** Each word its hash code; nothing is unknown. */
  static final Tokenizer TOKENIZER =
      new Tokenizer() {
        @Override
        public int[] encode(String text) {
          return Arrays.stream(text.split(" ", -1)).mapToInt(String::hashCode).toArray();
        }

        @Override
        public List<String> unknownWords(String text) {
          return List.of();
        }
      };

  private FakeWorld() {}

  /** An image of a domain. */
  static float[] image(String domain, int number) {
    float[] centre = FakeEncoder.gaussians(domain.hashCode(), FakeEncoder.PIXELS);
    float[] noise = FakeEncoder.gaussians(domain.hashCode() + 31L * number, FakeEncoder.PIXELS);
    float[] pixels = new float[FakeEncoder.PIXELS];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = centre[i] + 0.3f * noise[i];
    }
    return pixels;
  }

  /** A task that has learnt the domain of its name; another seed has learnt it otherwise. */
  static TaskVersion version(String domain, int seed) {
    int rows = 200;
    int embedDim = FakeEncoder.EMBED_DIM;
    float[] features = new float[rows * embedDim];
    int[] classOf = new int[rows];
    for (int i = 0; i < rows; i++) {
      float[] frozen = FakeEncoder.image(image(domain, 1_000_000 * seed + 1000 + i), null, 0);
      System.arraycopy(frozen, 0, features, i * embedDim, embedDim);
      classOf[i] = i % 3;
    }
    Random random = new Random(domain.hashCode() + seed);
    List<float[]> keys = List.of(new float[] {random.nextInt(1000)});
    return new TaskVersion(
        domain,
        List.of(domain + " one", domain + " two", "shared"),
        "a " + domain + " of {}",
        new Prefixes(1, keys, List.of(new float[1]), keys, List.of(new float[1])),
        FeatureStatistics.of(features, embedDim, classOf, 3),
        GateConstants.fit(GateKind.ROBUST, features, embedDim, classOf, 3),
        HeadConstants.fit(features, embedDim, classOf, 3),
        Map.of(),
        Map.of(),
        seed,
        BACKBONE,
        Instant.EPOCH);
  }

  static LabelSet labels(String... labels) {
    List<LabelSet.Prompt> prompts = new ArrayList<>();
    List<List<String>> unknown = new ArrayList<>();
    for (int i = 0; i < labels.length; i++) {
      List<Integer> tokens = Arrays.stream(TOKENIZER.encode(labels[i])).boxed().toList();
      prompts.add(new LabelSet.Prompt(labels[i], i, tokens));
      unknown.add(List.of());
    }
    return new LabelSet(List.of(labels), prompts, unknown);
  }

  static LabelSet manyLabels(String prefix, int count) {
    String[] labels = new String[count];
    for (int i = 0; i < count; i++) {
      labels[i] = prefix + i;
    }
    return labels(labels);
  }

  /**
   * DIKI for one image, the obvious way: route by the frozen features, run both towers with that
   * task and weight; the texts' features interpolated on the grid.
   */
  static Classification classify(PoolSnapshot snapshot, float[] pixels, LabelSet labels) {
    float[] features = FakeEncoder.image(pixels, null, 0);
    Route route = snapshot.route(features, 0);
    Prefixes prefixes = null;
    float gateWeight = 0;
    Classification.Routing routing = null;
    if (route != null) {
      ActiveTask task = snapshot.tasks().get(route.slot());
      routing =
          new Classification.Routing(
              task.name(),
              task.versionId(),
              (float) route.gateWeight(),
              route.logDensity(),
              route.z());
      if (route.gateWeight() > 1e-5) {
        prefixes = task.version().prefixes();
        gateWeight = (float) route.gateWeight();
        features = FakeEncoder.image(pixels, prefixes, gateWeight);
      }
    }
    double[] logits = new double[labels.prompts().size()];
    for (int p = 0; p < logits.length; p++) {
      int[] tokens =
          labels.prompts().get(p).tokens().stream().mapToInt(Integer::intValue).toArray();
      logits[p] = FakeEncoder.LOGIT_SCALE * dot(features, text(tokens, prefixes, gateWeight));
    }
    double[] probabilities = new double[labels.labels().size()];
    double total = Arrays.stream(logits).map(Math::exp).sum();
    for (int p = 0; p < logits.length; p++) {
      probabilities[labels.prompts().get(p).label()] += Math.exp(logits[p]) / total;
    }
    float[] labelLogits = new float[probabilities.length];
    for (int k = 0; k < labelLogits.length; k++) {
      labelLogits[k] = (float) Math.log(probabilities[k] * total);
    }
    return new Classification(
        labels, floats(probabilities), labelLogits, routing, null, snapshot.epoch());
  }

  private static float[] text(int[] tokens, @Nullable Prefixes prefixes, float gateWeight) {
    int low = Math.min(31, (int) Math.floor(gateWeight * 32));
    float share = gateWeight * 32 - low;
    float[] a = FakeEncoder.text(tokens, prefixes, low / 32f);
    float[] b = FakeEncoder.text(tokens, prefixes, (low + 1) / 32f);
    float[] mixed = new float[a.length];
    for (int e = 0; e < a.length; e++) {
      mixed[e] = (1 - share) * a[e] + share * b[e];
    }
    double norm = Math.sqrt(dot(mixed, mixed));
    for (int e = 0; e < a.length; e++) {
      mixed[e] /= (float) norm;
    }
    return mixed;
  }

  static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) values[i];
    }
    return floats;
  }
}
