/** The queue of rows: bounds, delay, deadlines, fairness, cancelling. Plain Java. */
@NullMarked
package dev.perennial.server.batching;

import org.jspecify.annotations.NullMarked;
