package dev.perennial.server.clip;

import ai.djl.pytorch.jni.TorchProgram;
import ai.djl.pytorch.jni.TorchProgram.Mode;
import ai.djl.pytorch.jni.TorchValue;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.safetensors.DataType;
import dev.perennial.server.safetensors.TensorData;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Moves published weights onto a device, in the lists that the towers' program takes. */
final class Weights {
  private Weights() {}

  /** Fails with FAILED_PRECONDITION where PyTorch cannot use the device on this machine. */
  static void checkUsable(TorchProgram program, String device) {
    try (TorchValue one = new HostBuffer().floats(List.of(new float[1]), 1);
        TorchValue target = TorchValue.text(device);
        TorchValue full = TorchValue.integer(0)) {
      program.call("place", Mode.NO_GRADIENT, one, target, full).close();
    } catch (RuntimeException e) { // the native library's own types differ between its builds
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "DEVICE_UNAVAILABLE",
          "device: " + device + " (expected: one that PyTorch can use on this machine)",
          e);
    }
  }

  /** The entries' weights as one list of tensors on the device. */
  static TorchValue place(
      TorchProgram program,
      List<WeightLayout.Entry> entries,
      Map<String, TensorData> weights,
      String device,
      Precision precision) {
    HostBuffer host = new HostBuffer();
    List<TorchValue> placed = new ArrayList<>();
    try (TorchValue target = TorchValue.text(device)) {
      for (WeightLayout.Entry entry : entries) {
        boolean half = entry.half() && precision == Precision.BF16;
        ByteBuffer room = host.room(entry.elementCount() * Float.BYTES);
        FloatBuffer floats = room.asFloatBuffer();
        for (String name : entry.names()) {
          put(floats, find(weights, name, entry.shape()));
        }
        try (TorchValue view = TorchValue.floats(room, entry.rows());
            TorchValue flag = TorchValue.integer(half ? 1 : 0)) {
          placed.add(program.call("place", Mode.NO_GRADIENT, view, target, flag));
        }
      }
      return TorchValue.list(placed);
    } finally {
      placed.forEach(TorchValue::close);
    }
  }

  /** The weight of that name; FAILED_PRECONDITION where it is missing or of another shape. */
  static TensorData find(Map<String, TensorData> weights, String name, List<Long> shape) {
    TensorData weight = weights.get(name);
    if (weight == null) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "WEIGHT_MISSING",
          name + ": missing (expected: a weight of shape " + shape + ")");
    }
    if (!weight.shape().equals(shape)) {
      throw new ServingException(
          ErrorCode.FAILED_PRECONDITION,
          "WEIGHT_SHAPE",
          name + ": shape " + weight.shape() + " (expected: " + shape + ")");
    }
    return weight;
  }

  /** All elements. */
  static float[] floats(TensorData weight) {
    FloatBuffer floats = FloatBuffer.allocate(Math.toIntExact(weight.elementCount()));
    put(floats, weight);
    return floats.array();
  }

  private static void put(FloatBuffer target, TensorData weight) {
    if (weight.type() == DataType.F32) { // straight from the file, without an array between
      target.put(weight.bytes().asFloatBuffer());
    } else {
      target.put(weight.toFloats());
    }
  }
}
