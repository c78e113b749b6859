package dev.perennial.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.client.Classification;
import dev.perennial.client.Image;
import dev.perennial.client.Labels;
import dev.perennial.client.PerennialClient;
import dev.perennial.client.StreamingClassifier;
import dev.perennial.client.TrainingListener;
import dev.perennial.client.TrainingOptions;
import dev.perennial.server.eval.TaughtServer;
import dev.perennial.server.eval.data.LabelledPicture;
import dev.perennial.server.eval.data.MiniMtilSuite;
import dev.perennial.server.eval.data.Suite;
import dev.perennial.server.eval.data.TaskData;
import dev.perennial.server.world.MiniMtil;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Images of two learnt domains in one stream and in many: the answers are those of separate
 * streams.
 */
class MixedTrafficIT {
  private static final Suite SUITE = new MiniMtilSuite(8);
  private static final List<TaskData> DOMAINS =
      List.of(SUITE.task("signs", 8, MiniMtil.SEED), SUITE.task("digits", 8, MiniMtil.SEED));

  private static Server server;
  private static PerennialClient client;
  private static List<List<Classification>> separate;

  @BeforeAll
  static void teachTwoDomains() {
    server = Server.start(ServerConfig.DEFAULT.onFreePort());
    client = PerennialClient.builder().target("127.0.0.1:" + server.port()).build();
    TaughtServer taught = new TaughtServer(client, TrainingOptions.DEFAULTS.epochs(4).seed(1));
    DOMAINS.forEach(domain -> taught.teach(domain.name(), domain, TrainingListener.NONE));
    separate = DOMAINS.stream().map(taught::classify).toList();
    for (int d = 0; d < DOMAINS.size(); d++) {
      String own = DOMAINS.get(d).name();
      long routed =
          separate.get(d).stream()
              .filter(answer -> answer.routing() != null && answer.routing().task().equals(own))
              .count();
      assertTrue(routed > separate.get(d).size() / 2, own + ": " + routed);
    }
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  @Test
  void classify_domainsInterleavedInOneStream_answersAreThoseOfSeparateStreams() {
    try (StreamingClassifier stream = client.classifier(labels(DOMAINS.get(0)))) {
      assertSameAnswers(interleaved(List.of(stream)));
    }
  }

  @Test
  void classify_domainsInterleavedInManyStreams_answersAreThoseOfSeparateStreams() {
    List<StreamingClassifier> streams = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      streams.add(client.classifier(labels(DOMAINS.get(i % 2))));
    }
    assertSameAnswers(interleaved(streams));
    streams.forEach(StreamingClassifier::close);
  }

  /** Image by image, the domains and the streams taking turns. */
  private static List<List<CompletableFuture<Classification>>> interleaved(
      List<StreamingClassifier> streams) {
    List<List<CompletableFuture<Classification>>> answers =
        List.of(new ArrayList<>(), new ArrayList<>());
    int sent = 0;
    int longest = DOMAINS.stream().mapToInt(domain -> domain.test().size()).max().orElseThrow();
    for (int i = 0; i < longest; i++) {
      for (int d = 0; d < DOMAINS.size(); d++) {
        TaskData domain = DOMAINS.get(d);
        if (i < domain.test().size()) {
          StreamingClassifier stream = streams.get(sent++ % streams.size());
          Image image = image(domain.test().get(i));
          answers.get(d).add(stream.send(image, labels(domain)));
        }
      }
    }
    return answers;
  }

  private static void assertSameAnswers(List<List<CompletableFuture<Classification>>> mixed) {
    for (int d = 0; d < DOMAINS.size(); d++) {
      List<Classification> answers = mixed.get(d).stream().map(CompletableFuture::join).toList();
      assertEquals(
          separate.get(d).stream().map(answer -> answer.best().labelIndex()).toList(),
          answers.stream().map(answer -> answer.best().labelIndex()).toList());
      assertEquals(
          TaughtServer.accuracy(DOMAINS.get(d), separate.get(d)),
          TaughtServer.accuracy(DOMAINS.get(d), answers));
    }
  }

  private static Image image(LabelledPicture picture) {
    try {
      return Image.encoded(picture.picture().encoded());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Labels labels(TaskData domain) {
    return Labels.of(domain.classNames()).template(domain.template()).top(1);
  }
}
