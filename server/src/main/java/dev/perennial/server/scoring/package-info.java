/**
 * From densities and logits to the probabilities of labels that tasks know and of labels that none
 * knows; plain Java.
 */
@NullMarked
package dev.perennial.server.scoring;

import org.jspecify.annotations.NullMarked;
