/** From bytes to the model's input: decoding, resizing, normalising. */
@NullMarked
package dev.perennial.server.image;

import org.jspecify.annotations.NullMarked;
