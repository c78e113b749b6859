/** CLIP with residual attention: the tower program, weights, tokenizer. */
@NullMarked
package dev.perennial.server.clip;

import org.jspecify.annotations.NullMarked;
