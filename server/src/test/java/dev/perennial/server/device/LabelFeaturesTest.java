package dev.perennial.server.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.perennial.server.clip.LabelSet;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LabelFeaturesTest {
  private static final float SCALE = 41.5f;

  private final Random random = new Random(5);

  /** (rows, E), each of length 1. */
  private float[][] unitRows(int rows, int embedDim) {
    float[][] values = new float[rows][embedDim];
    for (float[] row : values) {
      for (int e = 0; e < embedDim; e++) {
        row[e] = (float) random.nextGaussian();
      }
      normalise(row);
    }
    return values;
  }

  private static void normalise(float[] row) {
    float norm = (float) Math.sqrt(FakeWorld.dot(row, row));
    for (int e = 0; e < row.length; e++) {
      row[e] /= norm;
    }
  }

  private static float[] transposed(float[][] rows) {
    float[] columns = new float[rows.length * rows[0].length];
    for (int p = 0; p < rows.length; p++) {
      for (int e = 0; e < rows[0].length; e++) {
        columns[e * rows.length + p] = rows[p][e];
      }
    }
    return columns;
  }

  @ParameterizedTest
  @CsvSource({"1, 16, 0.3", "3, 7, 0.5", "10, 64, 0.01", "257, 33, 0.99"})
  void score_betweenTwoPoints_equalsInterpolateNormaliseDot(
      int prompts, int embedDim, float share) {
    float[][] low = unitRows(prompts, embedDim);
    float[][] high = unitRows(prompts, embedDim);
    float[] image = unitRows(1, embedDim)[0];
    LabelSet labels = FakeWorld.manyLabels("label", prompts);

    float[] logits =
        new LabelFeatures(labels, embedDim, transposed(low), transposed(high))
            .score(image, share, SCALE)
            .logits();

    for (int p = 0; p < prompts; p++) {
      float[] mixed = new float[embedDim];
      for (int e = 0; e < embedDim; e++) {
        mixed[e] = (1 - share) * low[p][e] + share * high[p][e];
      }
      normalise(mixed);
      assertEquals(SCALE * FakeWorld.dot(image, mixed), logits[p], 2e-5);
    }
  }

  @Test
  void score_onePoint_isTheDotProduct() {
    float[][] low = unitRows(5, 18);
    float[] image = unitRows(1, 18)[0];
    float[] logits =
        new LabelFeatures(FakeWorld.manyLabels("l", 5), 18, transposed(low), null)
            .score(image, 0, SCALE)
            .logits();
    for (int p = 0; p < 5; p++) {
      assertEquals(SCALE * FakeWorld.dot(image, low[p]), logits[p], 2e-5);
    }
  }

  @Test
  void score_severalPromptsOfALabel_sumTheirProbabilities() {
    // Three prompts; the second label has two.
    LabelSet labels =
        new LabelSet(
            List.of("cat", "dog"),
            List.of(
                new LabelSet.Prompt("a dog", 1, List.of(1)),
                new LabelSet.Prompt("a cat", 0, List.of(2)),
                new LabelSet.Prompt("a sketch of a dog", 1, List.of(3))),
            List.of(List.of(), List.of()));
    float[] features = {0.6f, 0.8f};
    float[] matrix = {1, 0, 0.6f, 0, 1, 0.8f}; // dots 0.6, 0.8, 1.0
    LabelFeatures.Scores scores = new LabelFeatures(labels, 2, matrix, null).score(features, 0, 10);
    double cat = Math.exp(8);
    double dog = Math.exp(6) + Math.exp(10);
    assertArrayEquals(
        new float[] {(float) (cat / (cat + dog)), (float) (dog / (cat + dog))},
        scores.probabilities(),
        1e-6f);
    assertArrayEquals(new float[] {8, (float) Math.log(dog)}, scores.logits(), 1e-5f);
  }

  @Test
  void score_largeScale_probabilitiesSumToOneAndLogitsStayFinite() {
    float[][] low = unitRows(1000, 64);
    float[] image = low[3];
    LabelFeatures.Scores scores =
        new LabelFeatures(FakeWorld.manyLabels("l", 1000), 64, transposed(low), null)
            .score(image, 0, 1e5f);
    double total = 0;
    for (float probability : scores.probabilities()) {
      total += probability;
    }
    assertEquals(1, total, 1e-6);
    for (float logit : scores.logits()) {
      assertEquals(true, Float.isFinite(logit));
    }
  }

  @Test
  void score_notFinite_throws() {
    LabelFeatures features =
        new LabelFeatures(FakeWorld.labels("a"), 2, new float[] {Float.NaN, 0}, null);
    assertThrows(ArithmeticException.class, () -> features.score(new float[] {1, 0}, 0, SCALE));
  }

  @Test
  void of_gateWeight_fallsBetweenItsNeighboursOrOnAPoint() {
    assertEquals(GridSegment.FROZEN, GridSegment.of(0));
    assertEquals(new GridSegment(32, 32, 0), GridSegment.of(1));
    assertEquals(new GridSegment(0, 0, 0), GridSegment.of(1e-5f));
    assertEquals(new GridSegment(32, 32, 0), GridSegment.of(1 - 9e-6f));
    assertEquals(new GridSegment(16, 16, 0), GridSegment.of(0.5f));
    assertEquals(new GridSegment(15, 15, 0), GridSegment.of(15 / 32f - 5e-6f));
    assertEquals(new GridSegment(31, 32, 0.5f), GridSegment.of(31.5f / 32));
    assertEquals(new GridSegment(0, 1, 2e-5f * 32), GridSegment.of(2e-5f));
    assertThrows(IllegalArgumentException.class, () -> GridSegment.of(1.001f));
    assertThrows(IllegalArgumentException.class, () -> GridSegment.of(Float.NaN));
  }
}
