package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.task.Prefixes;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The learned keys and values of several tasks on one device. Owned by the {@link ClipModel}'s
 * thread. Tasks with fewer learned keys than others are filled up and masked, those with fewer
 * layers are filled up with zero values, whose branch is exactly nothing.
 */
public final class PrefixBank implements AutoCloseable {
  /**
   * One tower's part.
   *
   * @param prefixes (L, 2, T, P, W) in the towers' dtype: per layer keys and values of each task
   * @param mask (T, P): 0 where a task has a key, minus infinity where it is filled up
   */
  record Part(TorchValue prefixes, TorchValue mask) implements AutoCloseable {
    @Override
    public void close() {
      prefixes.close();
      mask.close();
    }
  }

  private final List<Prefixes> tasks;
  private final @Nullable Part image;
  private final @Nullable Part text;
  private boolean closed;

  /** A bank without tasks has no parts. */
  PrefixBank(List<Prefixes> tasks, @Nullable Part image, @Nullable Part text) {
    this.tasks = List.copyOf(tasks);
    this.image = image;
    this.text = text;
  }

  /** Number of slots. */
  public int size() {
    return tasks.size();
  }

  List<Prefixes> tasks() {
    return tasks;
  }

  /** Null where there is no task. */
  @Nullable Part image() {
    return image;
  }

  /** Null where there is no task. */
  @Nullable Part text() {
    return text;
  }

  boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    closed = true;
    if (image != null) {
      image.close();
    }
    if (text != null) {
      text.close();
    }
  }
}
