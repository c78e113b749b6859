/** What was learnt: tasks, their immutable versions, and the pool with its manifest. */
@NullMarked
package dev.perennial.server.task;

import org.jspecify.annotations.NullMarked;
