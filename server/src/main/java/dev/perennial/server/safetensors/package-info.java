/** Reads and writes safetensors files. */
@NullMarked
package dev.perennial.server.safetensors;

import org.jspecify.annotations.NullMarked;
