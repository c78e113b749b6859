/** The commands: one class each. */
@NullMarked
package dev.perennial.server.cli;

import org.jspecify.annotations.NullMarked;
