/** Builds the tiny CLIP from nothing on the procedural world, and says what it can do untaught. */
@NullMarked
package dev.perennial.server.pretraining;

import org.jspecify.annotations.NullMarked;
