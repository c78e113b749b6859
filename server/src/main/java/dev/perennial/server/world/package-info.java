/** A procedural world of captioned pictures: the data behind the built-in model and mini-MTIL. */
@NullMarked
package dev.perennial.server.world;

import org.jspecify.annotations.NullMarked;
