/** One pool across several members: who decides, what is durable where, how copies become one. */
@NullMarked
package dev.perennial.server.task.cluster;

import org.jspecify.annotations.NullMarked;
