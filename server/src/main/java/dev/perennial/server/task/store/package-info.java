/** Durable copies of task versions and of the manifest. */
@NullMarked
package dev.perennial.server.task.store;

import org.jspecify.annotations.NullMarked;
