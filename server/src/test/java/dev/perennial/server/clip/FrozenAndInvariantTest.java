package dev.perennial.server.clip;

import static dev.perennial.server.clip.Golden.assertClose;
import static dev.perennial.server.clip.Golden.gates;
import static dev.perennial.server.clip.Golden.slots;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Prefixes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Promises 1 (frozen means frozen) and 2 (batch invariance) at the level of the model. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FrozenAndInvariantTest {
  private static final int E = TinyClip.CONFIG.embedDim();

  /** 1e-4 on logits whose scale is at most 100. */
  private static final double FP32_FEATURES = 1e-6;

  private ClipModel model;
  private PrefixBank bank;
  private List<Prefixes> tasks;

  @BeforeAll
  void load() {
    TinyClip random = new TinyClip(1);
    Prefixes first = random.prefixes(3, 8);
    tasks = List.of(first, random.prefixes(1, 3), random.prefixes(2, 8), random.zeroValues(first));
    model = TinyClip.load(Precision.FP32);
    bank = model.bank(tasks);
  }

  @AfterAll
  void close() {
    bank.close();
    model.close();
  }

  @Test
  void features_weightZeroAmongOthers_sameBitsAsFrozen() {
    TinyClip random = new TinyClip(2);
    List<float[]> images = random.images(16);
    List<int[]> texts = random.texts(16);
    int[] slots = new int[16];
    float[] gates = new float[16];
    for (int i = 0; i < 16; i += 2) {
      slots[i] = random.below(3);
      gates[i] = 1 - i / 32f;
    }
    float[] mixedImages = model.imageFeatures(images, bank, slots, gates);
    float[] mixedTexts = model.textFeatures(texts, bank, slots, gates);
    float[] frozenImages = model.imageFeatures(images, bank, slots, gates(16, 0));
    float[] frozenTexts = model.textFeatures(texts, bank, slots, gates(16, 0));
    for (int i = 0; i < 16; i++) {
      boolean frozen = gates[i] == 0;
      assertEquals(frozen, Arrays.equals(row(mixedImages, i), row(frozenImages, i)), "image " + i);
      assertEquals(frozen, Arrays.equals(row(mixedTexts, i), row(frozenTexts, i)), "text " + i);
    }
  }

  @Test
  void features_zeroValuesAtFullWeight_sameBitsAsFrozen() {
    TinyClip random = new TinyClip(3);
    List<float[]> images = random.images(5);
    List<int[]> texts = random.texts(5);
    assertArrayEquals(
        model.imageFeatures(images, bank, slots(5, 3), gates(5, 0)),
        model.imageFeatures(images, bank, slots(5, 3), gates(5, 1)));
    assertArrayEquals(
        model.textFeatures(texts, bank, slots(5, 3), gates(5, 0)),
        model.textFeatures(texts, bank, slots(5, 3), gates(5, 1)));
  }

  @Test
  void features_noTask_sameBitsAsWithTasksAtZero() {
    TinyClip random = new TinyClip(4);
    List<float[]> images = random.images(7);
    try (PrefixBank empty = model.bank(List.of())) {
      assertEquals(0, empty.size());
      assertArrayEquals(
          model.imageFeatures(images, empty, slots(7, 0), gates(7, 0)),
          model.imageFeatures(images, bank, slots(7, 1), gates(7, 0)));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {10, 11, 12, 13, 14, 15, 16, 17})
  void features_anyBatch_equalThoseAlone(long seed) {
    TinyClip random = new TinyClip(seed);
    int count = 1 + random.below(40);
    List<float[]> images = random.images(count);
    List<int[]> texts = random.texts(count);
    int[] slots = new int[count];
    float[] gates = new float[count];
    for (int i = 0; i < count; i++) {
      slots[i] = random.below(tasks.size());
      gates[i] = random.gateWeight();
    }
    float[] together = model.imageFeatures(images, bank, slots, gates);
    float[] textsTogether = model.textFeatures(texts, bank, slots, gates);
    for (int i = 0; i < count; i++) {
      int[] slot = {slots[i]};
      float[] gate = {gates[i]};
      float[] image = model.imageFeatures(List.of(images.get(i)), bank, slot, gate);
      float[] text = model.textFeatures(List.of(texts.get(i)), bank, slot, gate);
      assertClose(image, row(together, i), FP32_FEATURES, "image " + i + " of " + count);
      assertClose(text, row(textsTogether, i), FP32_FEATURES, "text " + i + " of " + count);
    }
  }

  @Test
  void features_halfPrecisionAnyBatch_closeToThoseAlone() {
    // Other batch sizes choose other kernels, whose sums round elsewhere: measured 0.004 at most.
    TinyClip random = new TinyClip(20);
    List<float[]> images = random.images(9);
    try (ClipModel half = TinyClip.load(Precision.BF16);
        PrefixBank halfBank = half.bank(tasks)) {
      float[] together = half.imageFeatures(images, halfBank, slots(9, 0), gates(9, 0.5f));
      for (int i = 0; i < 9; i++) {
        float[] alone =
            half.imageFeatures(List.of(images.get(i)), halfBank, slots(1, 0), gates(1, 0.5f));
        assertClose(alone, row(together, i), 0.01, "image " + i);
      }
    }
  }

  @Test
  void features_sameCall_sameBits() {
    TinyClip random = new TinyClip(5);
    List<float[]> images = random.images(6);
    float[] first = model.imageFeatures(images, bank, slots(6, 2), gates(6, 0.7f));
    for (int i = 0; i < 5; i++) {
      assertArrayEquals(first, model.imageFeatures(images, bank, slots(6, 2), gates(6, 0.7f)));
    }
  }

  @Test
  void bank_oneTaskChanged_othersGiveTheSameBits() {
    TinyClip random = new TinyClip(6);
    List<float[]> images = random.images(4);
    Prefixes added = random.prefixes(3, 5);
    float[] before = model.imageFeatures(images, bank, slots(4, 2), gates(4, 1));
    List<Prefixes> changed = new ArrayList<>(tasks);
    changed.set(0, added);
    try (PrefixBank copied = model.bank(changed); // from the bank before, but for one task
        PrefixBank moved = model.bank(List.of(tasks.get(2), added))) {
      assertArrayEquals(before, model.imageFeatures(images, copied, slots(4, 2), gates(4, 1)));
      assertArrayEquals(before, model.imageFeatures(images, moved, slots(4, 0), gates(4, 1)));
      try (ClipModel other = TinyClip.load(Precision.FP32);
          PrefixBank fresh = other.bank(changed)) {
        assertArrayEquals(
            other.imageFeatures(images, fresh, slots(4, 0), gates(4, 1)),
            model.imageFeatures(images, moved, slots(4, 1), gates(4, 1)));
      }
    }
  }

  @Test
  void bank_longerAndDeeperTaskAdded_othersStayWithinRounding() {
    TinyClip random = new TinyClip(7);
    List<float[]> images = random.images(4);
    float[] before = model.imageFeatures(images, bank, slots(4, 1), gates(4, 1));
    List<Prefixes> more = new ArrayList<>(tasks);
    Prefixes large = random.prefixes(3, 20);
    more.add(0, large);
    try (PrefixBank grown = model.bank(more)) {
      float[] after = model.imageFeatures(images, grown, slots(4, 2), gates(4, 1));
      assertClose(before, after, FP32_FEATURES, "task 1");
    }
  }

  @Test
  void bank_prefixesOfAnotherModel_refused() {
    Prefixes wrong =
        new Prefixes(
            2,
            List.of(new float[2 * 64]),
            List.of(new float[2 * 64]),
            List.of(new float[2 * 96]),
            List.of(new float[2 * 96]));
    ServingException e =
        assertThrows(ServingException.class, () -> model.bank(List.of(wrong)).close());
    assertEquals("PREFIX_SHAPE", e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains("(expected: 256)"), e.toString());
  }

  @Test
  void imageFeatures_slotOutsideTheBank_refused() {
    List<float[]> images = new TinyClip(8).images(1);
    assertThrows(
        IllegalArgumentException.class,
        () -> model.imageFeatures(images, bank, slots(1, 4), gates(1, 0.5f)));
    assertThrows(
        IllegalArgumentException.class,
        () -> model.imageFeatures(images, bank, slots(1, 0), gates(1, Float.NaN)));
  }

  private static float[] row(float[] features, int row) {
    return Arrays.copyOfRange(features, row * E, (row + 1) * E);
  }
}
