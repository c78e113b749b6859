/** Members of a cluster and what they say to each other, whatever it is about. */
@NullMarked
package dev.perennial.server.cluster;

import org.jspecify.annotations.NullMarked;
