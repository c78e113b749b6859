package dev.perennial.server.world;

import dev.perennial.server.image.RgbImage;
import java.util.ArrayList;
import java.util.List;

/** One task of mini-MTIL: a domain of pictures, its classes, and how to say them. Immutable. */
public final class MiniMtilTask {
  /** Which pictures; no picture is in both. */
  public enum Split {
    TRAIN(0),
    TEST(1);

    private final int number;

    Split(int number) {
      this.number = number;
    }
  }

  /** Draws one picture's scene. */
  interface Domain {
    Scene scene(SeededRandom random, int classIndex);
  }

  private final int number;
  private final String name;
  private final String template;
  private final List<String> classNames;
  private final Domain domain;

  MiniMtilTask(int number, String name, String template, List<String> classNames, Domain domain) {
    this.number = number;
    this.name = name;
    this.template = template;
    this.classNames = List.copyOf(classNames);
    this.domain = domain;
  }

  public String name() {
    return name;
  }

  /** A caption with <code>{}</code> where the class name goes. */
  public String template() {
    return template;
  }

  public List<String> classNames() {
    return classNames;
  }

  /** The caption of each class. */
  public List<String> captions() {
    return classNames.stream().map(className -> template.replace("{}", className)).toList();
  }

  /**
   * The same number of pictures of each class, classes taking turns. The same arguments always give
   * the same bytes, and a larger number only adds pictures at the end.
   */
  public List<LabelledImage> images(Split split, int perClass, long seed) {
    Renderer renderer = new Renderer();
    List<LabelledImage> images = new ArrayList<>(perClass * classNames.size());
    for (int i = 0; i < perClass; i++) {
      for (int classIndex = 0; classIndex < classNames.size(); classIndex++) {
        images.add(new LabelledImage(image(renderer, split, classIndex, i, seed), classIndex));
      }
    }
    return images;
  }

  private RgbImage image(Renderer renderer, Split split, int classIndex, int index, long seed) {
    SeededRandom random = SeededRandom.of(seed, number, split.number, classIndex, index);
    return renderer.render(domain.scene(random, classIndex));
  }

  @Override
  public String toString() {
    return name;
  }
}
