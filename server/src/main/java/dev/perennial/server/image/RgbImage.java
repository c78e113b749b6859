package dev.perennial.server.image;

/**
 * Decoded 8-bit pixels.
 *
 * @param rgb height * width * 3 bytes: rows from the top, red, green, blue
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared or changed
public record RgbImage(int width, int height, byte[] rgb) {}
