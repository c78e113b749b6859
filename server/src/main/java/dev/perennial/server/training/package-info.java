/** What a training step is, the schedule, jobs and their spools. */
@NullMarked
package dev.perennial.server.training;

import org.jspecify.annotations.NullMarked;
