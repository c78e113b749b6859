package dev.perennial.server.safetensors;

/** IEEE 754 binary16 to float and back; the JDK has this from version 20 on. */
final class HalfFloat {
  private static final int FLOAT_INFINITY = 0x7f80_0000;

  /** The least float that rounds to infinity: 65520. */
  private static final int LEAST_OVERFLOW = 0x477f_f000;

  /** The least normal half, 2^-14, as a float's bits. */
  private static final int LEAST_NORMAL = 0x3880_0000;

  /** Difference of the exponents' biases, at the place of a float's exponent. */
  private static final int BIAS = (127 - 15) << 23;

  private HalfFloat() {}

  /** Exact. */
  static float toFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int magnitude = half & 0x7fff;
    if (magnitude >= 0x7c00) { // infinity, NaN
      return Float.intBitsToFloat(sign | FLOAT_INFINITY | ((magnitude & 0x3ff) << 13));
    }
    if (magnitude < 0x400) { // zero, subnormal: a multiple of 2^-24
      float value = magnitude * 0x1p-24f;
      return sign == 0 ? value : -value;
    }
    return Float.intBitsToFloat(sign | ((magnitude << 13) + BIAS));
  }

  /** To the nearest, ties to even; too large becomes infinity. */
  static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = (bits >>> 16) & 0x8000;
    int magnitude = bits & 0x7fff_ffff;
    if (magnitude > FLOAT_INFINITY) {
      return (short) (sign | 0x7e00 | ((magnitude >> 13) & 0x3ff));
    }
    if (magnitude >= LEAST_OVERFLOW) {
      return (short) (sign | 0x7c00);
    }
    if (magnitude < LEAST_NORMAL) {
      // Scaling by a power of two is exact; rint rounds ties to even.
      return (short) (sign | (int) Math.rint(Float.intBitsToFloat(magnitude) * 0x1p24));
    }
    int odd = (magnitude >> 13) & 1;
    return (short) (sign | ((magnitude - BIAS + 0xfff + odd) >> 13));
  }
}
