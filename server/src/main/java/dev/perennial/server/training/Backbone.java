package dev.perennial.server.training;

import dev.perennial.server.clip.ClipConfig;

/** The frozen model that tasks are learnt on. Safe for any thread. */
interface Backbone {

  ClipConfig config();

  /** The backbone's fingerprint. */
  String fingerprint();

  /** A text's token ids. */
  int[] tokens(String text);
}
