package dev.perennial.server.batching;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Entries of many sources, given out in turn: one of each source, in the order in which the sources
 * came, then from the first again. Entries of one source keep their order. A source that floods
 * delays its own entries only: with S sources waiting, the p-th entry of a source is given out
 * after at most p * S others.
 *
 * <p>Sources are compared by {@code equals}. Not thread-safe, and without a bound of its own.
 */
public final class FairQueue<E> implements Iterable<E> {
  /** What one source has waiting; never empty while it is in the rotation. */
  private record Line<E>(Object source, ArrayDeque<E> entries) {}

  private final Map<Object, Line<E>> lines = new HashMap<>();
  private final ArrayDeque<Line<E>> rotation = new ArrayDeque<>();
  private int size;

  /** Appends to its source's line; a new source takes its turn after all others. */
  public void add(Object source, E entry) {
    Line<E> line = lines.get(source);
    if (line == null) {
      line = new Line<>(source, new ArrayDeque<>());
      lines.put(source, line);
      rotation.addLast(line);
    }
    line.entries().addLast(entry);
    size++;
  }

  /** The next entry, whose source moves to the end of the rotation; null where there is none. */
  public @Nullable E poll() {
    Line<E> line = rotation.pollFirst();
    if (line == null) {
      return null;
    }
    E entry = line.entries().removeFirst();
    size--;
    if (line.entries().isEmpty()) {
      lines.remove(line.source());
    } else {
      rotation.addLast(line);
    }
    return entry;
  }

  /** Entries of all sources. */
  public int size() {
    return size;
  }

  /** Sources that have an entry here. */
  public int sources() {
    return lines.size();
  }

  /** Entries of that source. */
  public int waiting(Object source) {
    Line<E> line = lines.get(source);
    return line == null ? 0 : line.entries().size();
  }

  /** Removes and returns the entries that match, in no certain order. */
  public List<E> removeIf(Predicate<? super E> matches) {
    List<E> removed = new ArrayList<>();
    for (Iterator<Line<E>> rest = rotation.iterator(); rest.hasNext(); ) {
      Line<E> line = rest.next();
      line.entries()
          .removeIf(
              entry -> {
                boolean match = matches.test(entry);
                if (match) {
                  removed.add(entry);
                }
                return match;
              });
      if (line.entries().isEmpty()) {
        rest.remove();
        lines.remove(line.source());
      }
    }
    size -= removed.size();
    return removed;
  }

  /** The entries in no certain order; not for removing. */
  @Override
  public Iterator<E> iterator() {
    return rotation.stream().flatMap(line -> line.entries().stream()).iterator();
  }
}
