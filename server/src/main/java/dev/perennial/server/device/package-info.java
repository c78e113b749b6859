/** One thread per device; it alone touches tensors. */
@NullMarked
package dev.perennial.server.device;

import org.jspecify.annotations.NullMarked;
