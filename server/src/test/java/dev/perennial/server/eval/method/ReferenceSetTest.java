package dev.perennial.server.eval.method;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.TestImages;
import dev.perennial.server.clip.FineTuning.Reference;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.Bench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReferenceSetTest {
  @TempDir Path folder;

  @Test
  void next_ofTheWorld_givesPicturesWithTheOriginalsFeatures() {
    try (Bench bench = SmallBenches.bench(1);
        PrefixBank none = bench.model().bank(List.of())) {
      ReferenceSet world = ReferenceSet.open(bench, ReferenceSet.WORLD);
      world.next(3);
      Reference reference = world.next(5);
      assertEquals(5, reference.pixels().size());
      assertEquals(1024 * 128, reference.textFeatures().length);
      assertArrayEquals(
          bench.model().imageFeatures(reference.pixels(), none, new int[5], new float[5]),
          reference.imageFeatures());
    }
  }

  @Test
  void next_sameSeed_samePicturesAgainAndAgain() throws Exception {
    write("cats/a.png", 1);
    write("cats/b.png", 2);
    write("grey_dogs/deep/c.png", 3);
    try (Bench bench = SmallBenches.bench(1);
        Bench again = SmallBenches.bench(1)) {
      ReferenceSet first = ReferenceSet.open(bench, folder.toString());
      ReferenceSet second = ReferenceSet.open(again, folder.toString());
      List<float[]> round = new ArrayList<>(first.next(3).pixels());
      assertEquals(round, first.next(3).pixels()); // the very arrays: each picture once a round
      assertArrayEquals(
          round.toArray(new float[0][]), second.next(3).pixels().toArray(new float[0][]));
    }
  }

  @Test
  void open_folder_textsAreItsPartsOrItsCaptions() throws Exception {
    write("cats/a.png", 1);
    write("grey_dogs/b.png", 2);
    try (Bench bench = SmallBenches.bench(1)) {
      assertArrayEquals(
          texts(bench, "a photo of a cats", "a photo of a grey dogs"),
          ReferenceSet.open(bench, folder.toString()).next(1).textFeatures());
      Files.writeString(folder.resolve("captions.txt"), "a red star\n\ntwo blue rings\n");
      assertArrayEquals(
          texts(bench, "a red star", "two blue rings"),
          ReferenceSet.open(bench, folder.toString()).next(1).textFeatures());
    }
  }

  private static float[] texts(Bench bench, String... texts) {
    Tokenizer tokenizer = bench.engine().directory().tokenizer();
    List<int[]> tokens = List.of(texts).stream().map(tokenizer::encode).toList();
    try (PrefixBank none = bench.model().bank(List.of())) {
      return bench
          .model()
          .textFeatures(tokens, none, new int[texts.length], new float[texts.length]);
    }
  }

  @Test
  void open_folderWithoutImagesOrNone_refused() {
    try (Bench bench = SmallBenches.bench(1)) {
      for (String source : List.of(folder.toString(), folder.resolve("absent").toString())) {
        ServingException e =
            assertThrows(ServingException.class, () -> ReferenceSet.open(bench, source));
        assertEquals("REFERENCE", e.reason());
        assertTrue(String.valueOf(e.getMessage()).contains(source), e.getMessage());
      }
    }
  }

  private void write(String name, long seed) throws Exception {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.write(file, TestImages.file("png", TestImages.noise(40, 36, 0x808080, seed)));
  }
}
