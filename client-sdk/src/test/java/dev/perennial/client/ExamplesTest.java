package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.Flow;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExamplesTest {
  private static final Example EXAMPLE = new Example(Image.png(new byte[] {1}), "x");

  @Test
  void ofFolders_classFolders_areReadInOrderAndAgain(@TempDir Path directory) throws IOException {
    for (String file : List.of("go/2.png", "go/1.jpg", "stop/1.png", "stop/notes.txt")) {
      Files.createDirectories(directory.resolve(file).getParent());
      Files.writeString(directory.resolve(file), file);
    }
    Examples examples = Examples.ofFolders(directory);
    assertEquals(OptionalLong.of(3), examples.size());
    assertTrue(examples.repeatable());
    for (int round = 0; round < 2; round++) {
      List<String> seen = new ArrayList<>();
      examples
          .open()
          .forEachRemaining(
              example ->
                  seen.add(
                      example.label()
                          + " "
                          + example.image().message().getEncoded().toStringUtf8()));
      assertEquals(List.of("go go/1.jpg", "go go/2.png", "stop stop/1.png"), seen);
    }
  }

  @Test
  void ofFolders_noImages_isRefused(@TempDir Path directory) {
    assertThrows(IOException.class, () -> Examples.ofFolders(directory));
  }

  @Test
  void once_openedTwice_isRefused() {
    Examples examples = Examples.once(Stream.of(EXAMPLE));
    assertEquals(EXAMPLE, examples.open().next());
    assertThrows(IllegalStateException.class, examples::open);
  }

  @Test
  void publisher_neverAskedForMoreThanAhead() {
    Source source = new Source();
    Iterator<Example> iterator = Examples.once(source).open();
    assertEquals(PublisherIterator.AHEAD, source.requested);
    for (int i = 0; i < 100; i++) {
      iterator.next();
      assertTrue(source.requested - (i + 1) <= PublisherIterator.AHEAD);
    }
  }

  /** Gives at once what is asked for. */
  private static final class Source implements Flow.Publisher<Example> {
    private long requested;

    @Override
    public void subscribe(Flow.Subscriber<? super Example> subscriber) {
      subscriber.onSubscribe(
          new Flow.Subscription() {
            @Override
            public void request(long count) {
              requested += count;
              for (long i = 0; i < count; i++) {
                subscriber.onNext(EXAMPLE);
              }
            }

            @Override
            public void cancel() {}
          });
    }
  }
}
