package dev.perennial.client;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Flow;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;

/**
 * Where a training run's examples come from. They are pulled one by one, by one thread, only as
 * fast as the server takes them. An upload that broke goes on with those that were not
 * acknowledged; a source that can be read again helps where the servers have lost acknowledged
 * ones, one that cannot makes such a loss final.
 */
public final class Examples {
  /** Opens the source for one upload. */
  private interface Opening {
    Iterator<Example> open();
  }

  private final Opening opening;
  private final boolean repeatable;
  private final OptionalLong size;

  private Examples(Opening opening, boolean repeatable, OptionalLong size) {
    this.opening = opening;
    this.repeatable = repeatable;
    this.size = size;
  }

  /** Can be read again: every upload asks for a new iterator. */
  public static Examples of(Iterable<Example> examples) {
    OptionalLong size =
        examples instanceof java.util.Collection<Example> collection
            ? OptionalLong.of(collection.size())
            : OptionalLong.empty();
    return new Examples(examples::iterator, true, size);
  }

  /** Read once. */
  public static Examples once(Iterator<Example> examples) {
    return new Examples(openedOnce(() -> examples), false, OptionalLong.empty());
  }

  /** Read once; closed with the upload. */
  public static Examples once(Stream<Example> examples) {
    return new Examples(
        openedOnce(() -> new StreamIterator(examples)), false, OptionalLong.empty());
  }

  /** Subscribed to once; never asked for more than a few examples ahead of the server. */
  public static Examples once(Flow.Publisher<Example> examples) {
    return new Examples(
        openedOnce(() -> PublisherIterator.subscribe(examples)), false, OptionalLong.empty());
  }

  /**
   * Image files in one folder per class, the folder's name being the label; both in the order of
   * their names. Files are read when they are sent. Can be read again.
   */
  public static Examples ofFolders(Path directory) throws IOException {
    record LabelledFile(Path file, String label) {}
    List<LabelledFile> files = new ArrayList<>();
    for (Path folder : sorted(directory, Files::isDirectory)) {
      for (Path file : sorted(folder, Examples::isImage)) {
        files.add(new LabelledFile(file, folder.getFileName().toString()));
      }
    }
    if (files.isEmpty()) {
      throw new IOException(
          directory
              + ": no images (expected: a folder of .png, .jpg, .gif or .bmp files per class)");
    }
    Iterable<Example> examples =
        () -> files.stream().map(file -> read(file.file(), file.label())).iterator();
    return new Examples(examples::iterator, true, OptionalLong.of(files.size()));
  }

  /** How many there are, where that is known. */
  public OptionalLong size() {
    return size;
  }

  /** The iterator of one upload; an AutoCloseable one is closed with the upload. */
  Iterator<Example> open() {
    return opening.open();
  }

  boolean repeatable() {
    return repeatable;
  }

  private static Opening openedOnce(Opening opening) {
    AtomicBoolean opened = new AtomicBoolean();
    return () -> {
      if (opened.getAndSet(true)) {
        throw new IllegalStateException("examples: already read (expected: a fresh source)");
      }
      return opening.open();
    };
  }

  private static Example read(Path file, String label) {
    try {
      return new Example(Image.ofFile(file), label);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean isImage(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return Files.isRegularFile(file)
        && Stream.of(".png", ".jpg", ".jpeg", ".gif", ".bmp").anyMatch(name::endsWith);
  }

  private static List<Path> sorted(Path directory, java.util.function.Predicate<Path> wanted)
      throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.filter(wanted).sorted().toList();
    }
  }

  /** A stream's iterator that closes the stream. */
  private record StreamIterator(Stream<Example> stream, Iterator<Example> iterator)
      implements Iterator<Example>, AutoCloseable {
    StreamIterator(Stream<Example> stream) {
      this(stream, stream.iterator());
    }

    @Override
    public boolean hasNext() {
      return iterator.hasNext();
    }

    @Override
    public Example next() {
      return iterator.next();
    }

    @Override
    public void close() {
      stream.close();
    }
  }
}
