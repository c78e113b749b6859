/**
 * CLIP with residual attention: the tower program, weights, tokenizer.
 *
 * <p>Letters for dimensions: B rows of a batch, N tokens, W width, H heads, D head size (W / H), S
 * image side, P prefix length, E embed dim, K texts or classes, T tasks, L layers with a branch.
 */
@NullMarked
package dev.perennial.server.clip;

import org.jspecify.annotations.NullMarked;
