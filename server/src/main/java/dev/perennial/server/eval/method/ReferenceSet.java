package dev.perennial.server.eval.method;

import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.FineTuning;
import dev.perennial.server.clip.PrefixBank;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.PictureSet;
import dev.perennial.server.eval.data.LabelledPicture;
import dev.perennial.server.world.CaptionedScene;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.PretrainingWorld;
import dev.perennial.server.world.Renderer;
import dev.perennial.server.world.SeededRandom;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Images and texts that no task is made of, on which ZSCL holds a model to the original one's
 * similarities. Images and texts need not belong together (ZSCL, section 3.2: ImageNet's images,
 * Conceptual Captions' texts). Of the bench's thread.
 */
final class ReferenceSet {
  /** The name of the built-in one: pictures and captions as the built-in model was trained on. */
  static final String WORLD = "world";

  /** Pictures drawn from the world, and the most taken of a folder. */
  private static final int IMAGES = 4096;

  /** The most texts that each image is compared with. */
  private static final int TEXTS = 1024;

  /** Random numbers that pre-training did not draw. */
  private static final long STREAM = 0x5245_4645L;

  /** One text to a line, in a folder. */
  private static final String CAPTIONS = "captions.txt";

  private static final Set<String> ENDINGS = Set.of("jpg", "jpeg", "png");

  private final PictureSet pictures;
  private final ClipModel model;
  private final float[] textFeatures;

  /** Per picture the original features, once asked for. */
  private final float[][] imageFeatures;

  private final List<Integer> order = new ArrayList<>();
  private int next;

  private ReferenceSet(Bench bench, List<LabelledPicture> pictures, List<String> texts) {
    this.pictures = bench.pictures(pictures);
    this.model = bench.model();
    this.imageFeatures = new float[pictures.size()][];
    for (int i = 0; i < pictures.size(); i++) {
      order.add(i);
    }
    Collections.shuffle(order, new Random(bench.seed()));
    Tokenizer tokenizer = bench.engine().directory().tokenizer();
    List<int[]> tokens = texts.stream().map(tokenizer::encode).toList();
    this.textFeatures = textFeatures(model, tokens);
  }

  private static float[] textFeatures(ClipModel model, List<int[]> tokens) {
    int embedDim = model.config().embedDim();
    float[] features = new float[tokens.size() * embedDim];
    try (PrefixBank none = model.bank(List.of())) {
      for (int from = 0; from < tokens.size(); from += Towers.MAX_TEXTS) {
        List<int[]> some = tokens.subList(from, Math.min(from + Towers.MAX_TEXTS, tokens.size()));
        int count = some.size();
        float[] rows = model.textFeatures(some, none, new int[count], new float[count]);
        System.arraycopy(rows, 0, features, from * embedDim, rows.length);
      }
    }
    return features;
  }

  /**
   * Opens one.
   *
   * @param source {@link #WORLD}, or a folder of images in any depth; its texts are the lines of
   *     its captions.txt or, without one, "a photo of a" with the name of each of its sub-folders
   */
  static ReferenceSet open(Bench bench, String source) {
    if (source.equals(WORLD)) {
      return world(bench);
    }
    try {
      return folder(bench, Path.of(source));
    } catch (IOException e) {
      throw unusable(source, e.toString());
    }
  }

  private static ReferenceSet world(Bench bench) {
    Renderer renderer = new Renderer();
    List<LabelledPicture> pictures = new ArrayList<>();
    Set<String> captions = new LinkedHashSet<>();
    for (int i = 0; i < IMAGES; i++) {
      CaptionedScene scene = PretrainingWorld.any(SeededRandom.of(STREAM, i), 0);
      pictures.add(
          new LabelledPicture(() -> new LabelledImage(renderer.render(scene.scene()), 0).png(), 0));
      captions.add(scene.caption());
    }
    return new ReferenceSet(bench, pictures, captions.stream().limit(TEXTS).toList());
  }

  private static ReferenceSet folder(Bench bench, Path folder) throws IOException {
    List<Path> images;
    try (Stream<Path> all = Files.walk(folder)) {
      images = new ArrayList<>(all.filter(ReferenceSet::isImage).sorted().toList());
    }
    List<String> texts = texts(folder);
    if (images.isEmpty() || texts.isEmpty()) {
      throw unusable(
          folder.toString(), images.size() + " images (jpg, png), " + texts.size() + " texts");
    }
    Collections.shuffle(images, new Random(STREAM));
    List<LabelledPicture> pictures =
        images.stream()
            .limit(IMAGES)
            .map(image -> new LabelledPicture(() -> Files.readAllBytes(image), 0))
            .toList();
    return new ReferenceSet(bench, pictures, texts);
  }

  private static boolean isImage(Path file) {
    String name = file.toString().toLowerCase(Locale.ROOT);
    return ENDINGS.contains(name.substring(name.lastIndexOf('.') + 1));
  }

  private static List<String> texts(Path folder) throws IOException {
    Path captions = folder.resolve(CAPTIONS);
    try (Stream<String> texts =
        Files.exists(captions)
            ? Files.lines(captions).filter(line -> !line.isBlank())
            : Files.list(folder)
                .filter(Files::isDirectory)
                .map(part -> "a photo of a " + part.getFileName().toString().replace('_', ' '))
                .sorted()) {
      return texts.distinct().limit(TEXTS).toList();
    }
  }

  private static ServingException unusable(String source, String found) {
    return ServingException.invalid(
        "REFERENCE",
        "methods",
        "zscl: reference=%s: %s (expected: %s, or a folder with images and %s or sub-folders)"
            .formatted(source, found, WORLD, CAPTIONS));
  }

  /** The next images, in an order of the seed's, again from the first after the last. */
  FineTuning.Reference next(int count) {
    List<float[]> pixels = new ArrayList<>(count);
    List<Integer> places = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      int place = order.get(next);
      next = (next + 1) % order.size();
      places.add(place);
      pixels.add(pictures.pixels(place));
    }
    return new FineTuning.Reference(pixels, features(places, pixels), textFeatures);
  }

  private float[] features(List<Integer> places, List<float[]> pixels) {
    int count = places.size();
    int embedDim = model.config().embedDim();
    if (places.stream().anyMatch(place -> imageFeatures[place] == null)) {
      try (PrefixBank none = model.bank(List.of())) {
        float[] rows = model.imageFeatures(pixels, none, new int[count], new float[count]);
        for (int i = 0; i < count; i++) {
          imageFeatures[places.get(i)] = Arrays.copyOfRange(rows, i * embedDim, (i + 1) * embedDim);
        }
      }
    }
    float[] features = new float[count * embedDim];
    for (int i = 0; i < count; i++) {
      System.arraycopy(imageFeatures[places.get(i)], 0, features, i * embedDim, embedDim);
    }
    return features;
  }
}
