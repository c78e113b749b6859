package dev.perennial.server.world;

import com.google.errorprone.annotations.Immutable;

/** A colour as three parts, each in 0..1. */
@Immutable
public record Rgb(float red, float green, float blue) {
  /** Clips each part to 0..1. */
  static Rgb of(double red, double green, double blue) {
    return new Rgb(clip(red), clip(green), clip(blue));
  }

  static Rgb grey(double value) {
    return of(value, value, value);
  }

  Rgb times(double factor) {
    return of(red * factor, green * factor, blue * factor);
  }

  /** Part by part. */
  Rgb times(Rgb other) {
    return of(red * other.red, green * other.green, blue * other.blue);
  }

  /** Each part moved by at most this much. */
  Rgb jittered(SeededRandom random, double amount) {
    return of(
        red + random.uniform(-amount, amount),
        green + random.uniform(-amount, amount),
        blue + random.uniform(-amount, amount));
  }

  /** Sum of the absolute differences of the parts, 0..3. */
  double distance(Rgb other) {
    return Math.abs(red - other.red) + Math.abs(green - other.green) + Math.abs(blue - other.blue);
  }

  private static float clip(double value) {
    return (float) Math.max(0, Math.min(1, value));
  }
}
