package dev.perennial.server.scoring;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.RepetitionInfo;
import org.junit.jupiter.api.Test;

class UnionScoringTest {
  private static final UnionScoring SCORING = new UnionScoring(UnionScoring.DEFAULT_BIAS);

  /** A random question: some tasks with classes that overlap, some labels that none knows. */
  private static final class Question {
    final double[] zeroShot;
    final LabelOwners owners;
    final List<UnionScoring.TaskView> tasks = new ArrayList<>();
    final double gate;

    Question(long seed) {
      Random random = new Random(seed);
      int labels = 2 + random.nextInt(9);
      int count = 1 + random.nextInt(3);
      List<int[]> places = new ArrayList<>();
      for (int t = 0; t < count; t++) {
        int[] order = IntStream.range(0, labels + 3).toArray();
        for (int i = order.length - 1; i > 0; i--) {
          int j = random.nextInt(i + 1);
          int held = order[i];
          order[i] = order[j];
          order[j] = held;
        }
        places.add(
            Arrays.stream(order)
                .limit(1 + random.nextInt(4))
                .map(place -> place < labels ? place : LabelOwners.ABSENT)
                .toArray());
      }
      owners = new LabelOwners(labels, places);
      zeroShot = softmax(random.doubles(labels, -3, 3).toArray());
      int[] considered = IntStream.range(0, count).filter(owners::considers).toArray();
      double[] posterior = softmax(random.doubles(considered.length, -2, 2).toArray());
      for (int i = 0; i < considered.length; i++) {
        int[] placeOfClass = owners.placeOfClass(considered[i]);
        float[] logits = new float[placeOfClass.length];
        double[] h = softmax(random.doubles(placeOfClass.length, -2, 2).toArray());
        for (int c = 0; c < logits.length; c++) {
          logits[c] = 40 * random.nextFloat() - 20;
          h[c] = Math.log(h[c]);
        }
        tasks.add(
            new UnionScoring.TaskView(
                posterior[i],
                10 * random.nextDouble() - 5,
                logits,
                h,
                placeOfClass,
                random.doubles(owners.unlearnt().length, -20, 20).toArray()));
      }
      gate = considered.length == 0 ? 0 : random.nextDouble();
    }

    UnionScoring.Answer answer() {
      return SCORING.answer(owners.unlearnt(), gate, zeroShot, tasks);
    }
  }

  private static double[] softmax(double[] values) {
    double sum = Arrays.stream(values).map(Math::exp).sum();
    return Arrays.stream(values).map(v -> Math.exp(v) / sum).toArray();
  }

  @RepeatedTest(200)
  void answer_anyQuestion_probabilitiesSumToOne(RepetitionInfo repetition) {
    double[] p = new Question(repetition.getCurrentRepetition()).answer().probabilities();
    assertEquals(1, Arrays.stream(p).sum(), 1e-12);
    assertTrue(Arrays.stream(p).allMatch(v -> v >= 0));
  }

  /** The formulas of the class, term by term and with nothing saved. */
  @RepeatedTest(100)
  void answer_slowTwin_agrees(RepetitionInfo repetition) {
    Question question = new Question(1000 + repetition.getCurrentRepetition());
    UnionScoring.Answer answer = question.answer();
    int[] unlearnt = question.owners.unlearnt();
    for (int label = 0; label < question.zeroShot.length; label++) {
      double p = (1 - question.gate) * question.zeroShot[label];
      for (int t = 0; t < question.tasks.size(); t++) {
        UnionScoring.TaskView task = question.tasks.get(t);
        double in = 0;
        double inSharp = 0;
        double own = 0;
        for (int c = 0; c < task.logits().length; c++) {
          double logit = task.logits()[c] + task.logProbabilities()[c];
          if (task.placeOfClass()[c] != LabelOwners.ABSENT) {
            in += Math.exp(logit);
            inSharp += Math.exp(logit / UnionScoring.DEFAULT_TEMPERATURE);
            own +=
                task.placeOfClass()[c] == label
                    ? Math.exp(logit / UnionScoring.DEFAULT_TEMPERATURE)
                    : 0;
          }
        }
        double out = Arrays.stream(task.unlearntLogits()).map(Math::exp).sum();
        double odds = in * task.logits().length * Math.exp(task.evidence()) / (out * Math.exp(-2));
        double q = in == 0 ? 0 : out == 0 ? 1 : odds / (1 + odds);
        assertEquals(q, answer.known()[t], 1e-9);
        p += question.gate * task.posterior() * (own == 0 ? 0 : q * own / inSharp);
        for (int u = 0; u < unlearnt.length; u++) {
          if (unlearnt[u] == label) {
            p +=
                question.gate
                    * task.posterior()
                    * (1 - q)
                    * Math.exp(task.unlearntLogits()[u])
                    / out;
          }
        }
      }
      assertEquals(p, answer.probabilities()[label], 1e-9);
    }
  }

  @Test
  void answer_noTasks_zeroShotToTheBit() {
    double[] zeroShot = softmax(new double[] {0.1, 2, -1});
    double[] p = SCORING.answer(new int[] {0, 1, 2}, 0, zeroShot, List.of()).probabilities();
    assertArrayEquals(zeroShot, p, 0);
  }

  @Test
  void answer_everyLabelLearnt_qIsOne() {
    UnionScoring.TaskView task =
        new UnionScoring.TaskView(
            1,
            -500,
            new float[] {-30, -31},
            new double[] {Math.log(0.5), Math.log(0.5)},
            new int[] {1, 0},
            new double[0]);
    UnionScoring.Answer answer = SCORING.answer(new int[0], 1, new double[2], List.of(task));
    assertEquals(1, answer.known()[0]);
    double first = 1 / (1 + Math.exp(-1 / UnionScoring.DEFAULT_TEMPERATURE));
    assertArrayEquals(new double[] {1 - first, first}, answer.probabilities(), 1e-12);
  }

  @Test
  void answer_labelOfTwoTasks_oneAnswerProbabilitiesAdded() {
    UnionScoring.TaskView a = sure(0.7, new int[] {0, 1});
    UnionScoring.TaskView b = sure(0.3, new int[] {0, 2});
    double[] p = SCORING.answer(new int[0], 1, new double[3], List.of(a, b)).probabilities();
    assertArrayEquals(new double[] {1, 0, 0}, p, 1e-12);
  }

  /** A task that is sure of its first class. */
  private static UnionScoring.TaskView sure(double posterior, int[] placeOfClass) {
    return new UnionScoring.TaskView(
        posterior,
        0,
        new float[] {100, 0},
        new double[] {Math.log(0.5), Math.log(0.5)},
        placeOfClass,
        new double[0]);
  }

  @Test
  void answer_higherBias_movesMassToUnlearntLabels() {
    Question question = new Question(3);
    int[] unlearnt = question.owners.unlearnt();
    assertTrue(unlearnt.length > 0);
    double before = -1;
    for (double bias : new double[] {-30, -2, 0, 30}) {
      double[] p =
          new UnionScoring(bias)
              .answer(unlearnt, question.gate, question.zeroShot, question.tasks)
              .probabilities();
      double mass = Arrays.stream(unlearnt).mapToDouble(u -> p[u]).sum();
      assertTrue(mass > before, "mass at bias " + bias);
      before = mass;
    }
  }

  @Test
  void rule_biasNotFinite_refused() {
    ServingException e =
        assertThrows(
            ServingException.class, () -> new ScoringRule(ScoringRule.Kind.UNION, Double.NaN));
    assertEquals("unlearnt bias: NaN (expected: finite)", e.getMessage());
  }

  @Test
  void posterior_ofDensities_fewTasksMostProbableFirst() {
    TaskPosterior far = TaskPosterior.of(new double[] {-100, 300, 299});
    assertArrayEquals(new int[] {1, 2}, far.tasks());
    double first = 1 / (1 + Math.exp(-TaskPosterior.EXPONENT));
    assertArrayEquals(new double[] {first, 1 - first}, far.probabilities(), 1e-12);
    assertArrayEquals(new int[] {0}, TaskPosterior.of(new double[] {10, 0}).tasks());
    assertArrayEquals(new int[] {0, 1}, TaskPosterior.of(new double[] {5, 5, 5}).tasks());
    assertArrayEquals(new double[] {1}, TaskPosterior.of(new double[] {-1e6}).probabilities(), 0);
  }

  @Test
  void gate_farFromEveryDomain_shutToTheBit() {
    assertEquals(0, DomainGate.gate(-20, false));
    assertEquals(0.5, DomainGate.gate(-2.5, false));
    assertEquals(0.5, DomainGate.gate(-4, true));
    assertEquals(1, DomainGate.gate(50, true));
    assertEquals(0.5, DomainGate.none(-1.25));
    assertTrue(DomainGate.none(-8) > 0.99999);
  }

  @Test
  void owners_labelsByTask_unlearntAndConsidered() {
    LabelOwners owners =
        new LabelOwners(3, List.of(new int[] {2, -1}, new int[] {-1}, new int[] {2, 0}));
    assertArrayEquals(new int[] {1}, owners.unlearnt());
    assertTrue(owners.considers(1)); // label 1 may be seen in its domain
    LabelOwners all = new LabelOwners(2, List.of(new int[] {0, 1}, new int[] {-1}));
    assertTrue(all.allLearnt());
    assertTrue(all.considers(0));
    assertEquals(false, all.considers(1));
  }
}
