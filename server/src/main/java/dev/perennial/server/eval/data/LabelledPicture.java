package dev.perennial.server.eval.data;

/**
 * One labelled image whose bytes are read when asked.
 *
 * @param classIndex place of its class among its task's class names
 */
public record LabelledPicture(PictureSource picture, int classIndex) {}
