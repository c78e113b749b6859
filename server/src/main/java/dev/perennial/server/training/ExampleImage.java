package dev.perennial.server.training;

import dev.perennial.server.image.RgbImage;

/** An example's picture, in one of three forms. */
public sealed interface ExampleImage {
  /** An image file. */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  record Encoded(byte[] bytes) implements ExampleImage {}

  /** Undecoded pixels. */
  record Raw(RgbImage image) implements ExampleImage {}

  /** The model's input, (3, S, S). */
  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  record Pixels(float[] values) implements ExampleImage {}
}
