/** Jobs and uploads across a cluster: who works on what, and where the copies are. */
@NullMarked
package dev.perennial.server.training.cluster;

import org.jspecify.annotations.NullMarked;
