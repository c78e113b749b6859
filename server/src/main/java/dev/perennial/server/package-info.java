/**
 * The command line, and the server that it starts: builds every object by hand, stops in reverse.
 */
@NullMarked
package dev.perennial.server;

import org.jspecify.annotations.NullMarked;
