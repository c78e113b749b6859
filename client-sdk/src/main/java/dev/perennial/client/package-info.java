/** A small typed client for Perennial; depends on the wire contract alone. */
@NullMarked
package dev.perennial.client;

import org.jspecify.annotations.NullMarked;
