package dev.perennial.server.cli;

import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.server.image.RgbImage;
import dev.perennial.server.world.LabelledImage;
import dev.perennial.server.world.MiniMtil;
import dev.perennial.server.world.MiniMtilTask;
import dev.perennial.server.world.MiniMtilTask.Split;
import java.util.ArrayList;
import java.util.List;

/**
 * Test pictures of all domains of mini-MTIL, each with its domain's labels: what a load generator
 * asks about. Immutable.
 */
record BenchPictures(List<Domain> domains, List<Picture> pictures) {
  /** A domain's labels. */
  record Domain(String name, Labels labels) {}

  /** One picture, as sent and as drawn. */
  record Picture(int domain, Image image, RgbImage drawn) {}

  /** Draws the same pictures for the same arguments. */
  static BenchPictures draw(int perClass, long seed) {
    List<Domain> domains = new ArrayList<>();
    List<Picture> pictures = new ArrayList<>();
    for (MiniMtilTask task : MiniMtil.tasks()) {
      Labels labels = Labels.of(task.classNames()).template(task.template()).top(1);
      for (LabelledImage drawn : task.images(Split.TEST, perClass, seed)) {
        pictures.add(new Picture(domains.size(), Image.png(drawn.png()), drawn.image()));
      }
      domains.add(new Domain(task.name(), labels));
    }
    return new BenchPictures(List.copyOf(domains), List.copyOf(pictures));
  }
}
