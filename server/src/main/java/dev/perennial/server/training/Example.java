package dev.perennial.server.training;

/** A labelled picture as it was sent. */
record Example(ExampleImage image, String label) {}
