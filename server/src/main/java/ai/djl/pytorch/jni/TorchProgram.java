package ai.djl.pytorch.jni;

import ai.djl.engine.Engine;
import java.nio.file.Path;
import org.jspecify.annotations.NullMarked;

/**
 * A TorchScript program without weights, called through DJL's native library. It lives in DJL's
 * package because {@code IValueUtils.runMethod} always runs in InferenceMode, whose outputs can
 * never join autograd; the native method that can do both is package-private.
 *
 * <p>Everything that crosses the border is a {@link TorchValue}: one native reference with one
 * owner, who closes it. Results are attached to no manager, so nothing accumulates behind a call.
 *
 * <p>Not thread-safe. Programs of different threads run at the same time.
 */
@NullMarked
public final class TorchProgram implements AutoCloseable {
  /** How autograd sees a call. */
  public enum Mode {
    /** No graph, and results can never join one: the fastest. */
    INFERENCE,
    /** No graph, but results are ordinary tensors: weights for later training, say. */
    NO_GRADIENT,
    /** The program may build a graph and differentiate it. */
    GRADIENT
  }

  private final long module;
  private boolean closed;

  private TorchProgram(long module) {
    this.module = module;
  }

  /** Loads an archive; the file is not needed afterwards. */
  public static TorchProgram load(Path archive) {
    Engine.getEngine("PyTorch"); // loads the native library
    String[] none = {};
    // The last argument keeps the module as it is: a frozen one could not run backward.
    return new TorchProgram(
        PyTorchLibrary.LIB.moduleLoad(archive.toString(), TorchValue.CPU, true, none, none, true));
  }

  /** Calls a method; the caller owns the result. */
  public TorchValue call(String method, Mode mode, TorchValue... arguments) {
    if (closed) {
      throw new IllegalStateException("program: closed (expected: open)");
    }
    long[] handles = new long[arguments.length];
    for (int i = 0; i < handles.length; i++) {
      handles[i] = arguments[i].handle();
    }
    // Set at every call: each thread has its own switches. The optimiser would rewrite the program
    // after its first runs for the shapes that it saw: other bits, and a pause at each new shape.
    PyTorchLibrary.LIB.setGraphExecutorOptimize(false);
    boolean before = PyTorchLibrary.LIB.torchIsGradMode();
    PyTorchLibrary.LIB.torchSetGradMode(mode == Mode.GRADIENT);
    try {
      boolean train = mode != Mode.INFERENCE;
      return new TorchValue(
          PyTorchLibrary.LIB.moduleRunMethod(module, method, handles, train, false));
    } finally {
      PyTorchLibrary.LIB.torchSetGradMode(before);
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      PyTorchLibrary.LIB.torchDeleteModule(module);
    }
  }
}
