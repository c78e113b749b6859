package dev.perennial.server.training;

import org.jspecify.annotations.Nullable;

/** Whether an image can be trained on. Safe for any thread. */
interface ExampleCheck {

  /** Why it cannot; null where it can. Never throws. */
  @Nullable RuntimeException fault(ExampleImage image);
}
