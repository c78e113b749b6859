/** How a failure is named, everywhere. */
@NullMarked
package dev.perennial.server.error;

import org.jspecify.annotations.NullMarked;
