package dev.perennial.client;

import dev.perennial.v1.AllKnownLabels;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ExplicitLabels;
import dev.perennial.v1.LabelSet;
import java.util.List;

/** The labels that an image is compared with, how, and how many of them are answered. Immutable. */
public final class Labels {
  /** How probabilities are made of what the network says. */
  public enum Scoring {
    /** Learnt and unlearnt labels at once. */
    UNION(dev.perennial.v1.Scoring.SCORING_UNION),
    /** The article's: one softmax over all texts under one task's branch. */
    DIKI(dev.perennial.v1.Scoring.SCORING_DIKI);

    private final dev.perennial.v1.Scoring message;

    Scoring(dev.perennial.v1.Scoring message) {
      this.message = message;
    }
  }

  /** All fields but the image. */
  private final ClassifyRequest request;

  private Labels(ClassifyRequest request) {
    this.request = request;
  }

  private static Labels of(LabelSet labels) {
    return new Labels(ClassifyRequest.newBuilder().setLabelSet(labels).build());
  }

  /** These labels, whatever the server was taught: open vocabulary. */
  public static Labels of(List<String> labels) {
    return of(
        LabelSet.newBuilder()
            .setExplicit(ExplicitLabels.newBuilder().addAllLabels(labels))
            .build());
  }

  /** These labels, whatever the server was taught: open vocabulary. */
  public static Labels of(String... labels) {
    return of(List.of(labels));
  }

  /** The classes of one task, in its template. */
  public static Labels ofTask(String task) {
    return of(LabelSet.newBuilder().setTask(task).build());
  }

  /** The classes of every task, each in its task's template. */
  public static Labels allKnown() {
    return of(LabelSet.newBuilder().setAllKnown(AllKnownLabels.getDefaultInstance()).build());
  }

  /**
   * More labels beside everything known; call it again for another template.
   *
   * @param template contains "{}" once, as in "a photo of a {}"
   */
  public Labels extra(List<String> labels, String template) {
    if (!request.getLabelSet().hasAllKnown()) {
      throw new IllegalStateException("extra: a list is whole (expected: Labels.allKnown)");
    }
    ClassifyRequest.Builder more = request.toBuilder();
    more.getLabelSetBuilder()
        .getAllKnownBuilder()
        .addExtra(ExplicitLabels.newBuilder().addAllLabels(labels).setTemplate(template));
    return new Labels(more.build());
  }

  /**
   * The sentence around each label; only for labels of the caller's own.
   *
   * @param template contains "{}" once, as in "a photo of a {}"
   */
  public Labels template(String template) {
    if (!request.getLabelSet().hasExplicit()) {
      throw new IllegalStateException("template: tasks have their own (expected: Labels.of)");
    }
    ClassifyRequest.Builder other = request.toBuilder();
    other.getLabelSetBuilder().getExplicitBuilder().setTemplate(template);
    return new Labels(other.build());
  }

  /** Only the most probable are answered; 0 means all that the server answers, up to 1,000. */
  public Labels top(int count) {
    if (count < 0) {
      throw new IllegalArgumentException("top: " + count + " (expected: 0 or more)");
    }
    return new Labels(request.toBuilder().setTopK(count).build());
  }

  /** Another scoring than the server's own. */
  public Labels scoring(Scoring scoring) {
    return new Labels(request.toBuilder().setScoring(scoring.message).build());
  }

  /**
   * Under union scoring, what the logit of a label that no task knows gets before it competes with
   * learnt classes: more finds more of the unlearnt and loses learnt ones.
   */
  public Labels unlearntBias(float bias) {
    return new Labels(request.toBuilder().setUnlearntBias(bias).build());
  }

  /** The same of one image by itself. */
  ClassifyImageRequest one(Image image) {
    ClassifyImageRequest.Builder one =
        ClassifyImageRequest.newBuilder()
            .setImage(image.message())
            .setLabelSet(request.getLabelSet())
            .setTopK(request.getTopK())
            .setScoring(request.getScoring());
    if (request.hasUnlearntBias()) {
      one.setUnlearntBias(request.getUnlearntBias());
    }
    return one.build();
  }

  /** A stream's request without its image. */
  ClassifyRequest request() {
    return request;
  }
}
