package dev.perennial.server.training;

import dev.perennial.server.clip.ClipConfig;
import dev.perennial.server.clip.PrefixTraining;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Contribution;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.PrefixShape;
import dev.perennial.server.task.Prefixes;
import dev.perennial.server.task.TaskVersion;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A server without a model: the "prefixes" are the weights of a linear softmax classifier over
 * pixels, trained by honest SGD in a fixed order of operations. It really learns, really diverges,
 * and the same calls give the same bits; a device is one thread, as in the real server.
 */
final class FakeHost implements TrainingHost, AutoCloseable {

  static final int SIDE = 16;
  static final int INPUTS = 3 * SIDE * SIDE;
  static final int EMBED_DIM = 4;

  static final ClipConfig CONFIG =
      new ClipConfig(
          new ClipConfig.Tower(32, 3, 2, 64, ClipConfig.Activation.QUICK_GELU, 1e-5),
          new ClipConfig.Tower(32, 2, 2, 64, ClipConfig.Activation.QUICK_GELU, 1e-5),
          SIDE,
          4,
          16,
          64,
          EMBED_DIM,
          62,
          63,
          false);

  /** Called on the device's thread before each step, with the number of steps before it. */
  volatile Consumer<Integer> beforeStep = step -> {};

  /** Called on the device's thread before features, with the number of such calls before it. */
  volatile Consumer<Integer> beforeFeatures = call -> {};

  /** Called on the job's thread before a version is published. */
  volatile Consumer<TaskVersion> beforePublish = version -> {};

  /** Called after that; what it throws is a refusal of the cluster. */
  volatile Consumer<Fence> beforeFence = fence -> {};

  /** Steps go uphill: every one makes the answers worse. */
  volatile boolean uphill;

  volatile CompletableFuture<Void> installed = CompletableFuture.completedFuture(null);
  final List<TaskVersion> published = Collections.synchronizedList(new ArrayList<>());
  final List<Contribution> contributed = Collections.synchronizedList(new ArrayList<>());

  /** How many images each call for features had. */
  final List<Integer> featureBatches = Collections.synchronizedList(new ArrayList<>());

  final AtomicInteger steps = new AtomicInteger();
  final AtomicInteger decoded = new AtomicInteger();
  final AtomicInteger openTrainers = new AtomicInteger();
  final List<float[]> batchesSeen = Collections.synchronizedList(new ArrayList<>());
  private final List<ExecutorService> devices = new ArrayList<>();

  FakeHost() {
    this(1);
  }

  FakeHost(int count) {
    for (int i = 0; i < count; i++) {
      devices.add(Executors.newSingleThreadExecutor());
    }
  }

  @Override
  public ClipConfig config() {
    return CONFIG;
  }

  @Override
  public String fingerprint() {
    return "f".repeat(64);
  }

  @Override
  public int[] tokens(String text) {
    return new int[] {62, text.length(), 63};
  }

  @Override
  public float[] pixels(ExampleImage image) {
    decoded.incrementAndGet();
    if (image instanceof ExampleImage.Pixels pixels) {
      return pixels.values().clone();
    }
    throw ServingException.invalid(
        "IMAGE_NOT_DECODABLE", "example.image.encoded", "image: no picture (expected: one)");
  }

  @Override
  public @Nullable RuntimeException fault(ExampleImage image) {
    try {
      pixels(image);
      return null;
    } catch (RuntimeException e) {
      return e;
    }
  }

  @Override
  public int devices() {
    return devices.size();
  }

  @Override
  public Trainer trainer(int device) {
    openTrainers.incrementAndGet();
    return new FakeTrainer(devices.get(device));
  }

  @Override
  public Published publish(TaskVersion version, Fence fence) {
    beforePublish.accept(version);
    beforeFence.accept(fence);
    published.add(version);
    return new Published("version-" + published.size(), published.size());
  }

  @Override
  public List<String> classesOf(String task) {
    if (!task.equals("insects")) {
      throw ServingException.notFound("TASK_NOT_FOUND", "spec.task", "task: " + task);
    }
    return TestJobs.CLASSES;
  }

  @Override
  public Published publish(Contribution contribution, Fence fence) {
    contributed.add(contribution);
    return new Published("contribution-" + contributed.size(), contributed.size());
  }

  @Override
  public CompletableFuture<Void> installed(long epoch) {
    return installed;
  }

  @Override
  public void close() {
    devices.forEach(ExecutorService::shutdownNow);
  }

  private final class FakeTrainer implements Trainer {
    private final ExecutorService device;
    private int classes;
    private float[] weights = new float[0];
    private float[] key = new float[0];

    FakeTrainer(ExecutorService device) {
      this.device = device;
    }

    private <T> CompletableFuture<T> step(Callable<T> work) {
      return CompletableFuture.supplyAsync(
          () -> {
            try {
              return work.call();
            } catch (RuntimeException e) {
              throw e;
            } catch (Exception e) {
              throw new CompletionException(e);
            }
          },
          device);
    }

    @Override
    public CompletableFuture<float[]> imageFeatures(List<float[]> pixels) {
      return step(
          () -> {
            beforeFeatures.accept(featureBatches.size());
            featureBatches.add(pixels.size());
            float[] features = new float[pixels.size() * EMBED_DIM];
            for (int i = 0; i < pixels.size(); i++) {
              double norm = 0;
              double[] sums = new double[EMBED_DIM];
              for (int k = 0; k < INPUTS; k++) {
                sums[k % EMBED_DIM] += pixels.get(i)[k] * (1 + k % 7);
              }
              for (double sum : sums) {
                norm += sum * sum;
              }
              for (int d = 0; d < EMBED_DIM; d++) {
                features[i * EMBED_DIM + d] = (float) (sums[d] / Math.sqrt(norm));
              }
            }
            return features;
          });
    }

    @Override
    public CompletableFuture<Void> start(PrefixShape shape, List<int[]> tokens, long seed) {
      return step(
          () -> {
            classes = tokens.size();
            weights = new float[classes * INPUTS];
            SplittableRandom random = new SplittableRandom(seed);
            key = new float[] {(float) random.nextDouble()};
            return null;
          });
    }

    @Override
    public CompletableFuture<Void> resume(Prefixes prefixes, List<int[]> tokens) {
      return step(
          () -> {
            classes = tokens.size();
            weights = prefixes.imageValues().get(0).clone();
            key = prefixes.textKeys().get(0).clone();
            return null;
          });
    }

    @Override
    public CompletableFuture<PrefixTraining.Step> step(
        List<float[]> pixels, int[] targets, float learningRate) {
      return step(
          () -> {
            beforeStep.accept(steps.getAndIncrement());
            pixels.forEach(input -> batchesSeen.add(input.clone()));
            float[] gradient = new float[weights.length];
            float loss = 0;
            int correct = 0;
            for (int i = 0; i < targets.length; i++) {
              float[] scores = scores(pixels.get(i));
              correct += argmax(scores) == targets[i] ? 1 : 0;
              double sum = 0;
              for (float score : scores) {
                sum += Math.exp(score);
              }
              loss += (float) (Math.log(sum) - scores[targets[i]]) / targets.length;
              for (int c = 0; c < classes; c++) {
                double p = Math.exp(scores[c]) / sum - (c == targets[i] ? 1 : 0);
                for (int k = 0; k < INPUTS; k++) {
                  gradient[c * INPUTS + k] += (float) p * pixels.get(i)[k] / targets.length;
                }
              }
            }
            float rate = (uphill ? -1 : 1) * learningRate * key[0];
            for (int k = 0; k < weights.length; k++) {
              weights[k] -= rate * gradient[k];
            }
            return new PrefixTraining.Step(loss, correct);
          });
    }

    @Override
    public CompletableFuture<float[]> logits(List<float[]> pixels) {
      return step(
          () -> {
            float[] logits = new float[pixels.size() * classes];
            for (int i = 0; i < pixels.size(); i++) {
              System.arraycopy(scores(pixels.get(i)), 0, logits, i * classes, classes);
            }
            return logits;
          });
    }

    @Override
    public CompletableFuture<Prefixes> prefixes() {
      return step(
          () ->
              new Prefixes(
                  1,
                  List.of(Arrays.copyOf(key, weights.length)),
                  List.of(weights.clone()),
                  List.of(key.clone()),
                  List.of(new float[] {classes})));
    }

    @Override
    public void close() {
      openTrainers.decrementAndGet();
    }

    private float[] scores(float[] input) {
      float[] scores = new float[classes];
      for (int c = 0; c < classes; c++) {
        for (int k = 0; k < INPUTS; k++) {
          scores[c] += weights[c * INPUTS + k] * input[k];
        }
      }
      return scores;
    }

    private static int argmax(float[] scores) {
      int best = 0;
      for (int c = 0; c < scores.length; c++) {
        if (scores[c] > scores[best]) {
          best = c;
        }
      }
      return best;
    }
  }

  /** A noisy picture of a class: a bright row whose height is the class's place. */
  static ExampleImage.Pixels picture(int classPlace, int number) {
    SplittableRandom random = new SplittableRandom(classPlace * 1_000L + number);
    float[] values = new float[INPUTS];
    for (int k = 0; k < INPUTS; k++) {
      values[k] = (float) (random.nextDouble() - 0.5);
    }
    for (int channel = 0; channel < 3; channel++) {
      int row = (channel * SIDE + 2 + 3 * classPlace) * SIDE;
      Arrays.fill(values, row, row + SIDE, 1f);
    }
    return new ExampleImage.Pixels(values);
  }
}
