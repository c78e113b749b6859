/** Settings, read and checked once. */
@NullMarked
package dev.perennial.server.config;

import org.jspecify.annotations.NullMarked;
