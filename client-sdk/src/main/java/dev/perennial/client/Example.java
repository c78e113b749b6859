package dev.perennial.client;

/** A labelled image to learn from. Immutable. */
public record Example(Image image, String label) {}
