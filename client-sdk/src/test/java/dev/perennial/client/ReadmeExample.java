package dev.perennial.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The README's example: it must compile, and {@link ReadmeTest} compares the two. */
@SuppressWarnings("FutureReturnValueIgnored") // the continuation prints failures
final class ReadmeExample {
  private ReadmeExample() {}

  // README
  static void teachAndAsk(String target, Path signs, Path photos) throws IOException {
    try (PerennialClient client = PerennialClient.builder().target(target).build()) {
      TrainingListener progress =
          new TrainingListener() {
            @Override
            public void changed(TrainingJob job) {
              System.out.println(job.state() + " " + job.progress());
            }
          };
      TrainingSpec spec = TrainingSpec.of("signs").template("a photo of a {} sign");
      TrainingJob job = client.train(spec, Examples.ofFolders(signs), progress).await().orThrow();
      System.out.println("serving from epoch " + job.epoch());

      List<Path> files;
      try (Stream<Path> listed = Files.list(photos)) {
        files = listed.sorted().toList();
      }
      try (StreamingClassifier stream = client.classifier(Labels.allKnown().top(3))) {
        for (Path file : files) {
          stream
              .send(Image.ofFile(file)) // waits while 64 images are under way
              .whenComplete(
                  (answer, error) ->
                      System.out.println(file + ": " + (error == null ? answer.best() : error)));
        }
      }
    }
  }
  // README
}
