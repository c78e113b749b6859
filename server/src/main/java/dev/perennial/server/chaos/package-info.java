/** A cluster of real processes on this machine that are killed, and what must hold afterwards. */
@NullMarked
package dev.perennial.server.chaos;

import org.jspecify.annotations.NullMarked;
