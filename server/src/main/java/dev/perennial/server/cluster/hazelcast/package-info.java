/** How members find each other and talk: Hazelcast, and nothing of it outside of here. */
@NullMarked
package dev.perennial.server.cluster.hazelcast;

import org.jspecify.annotations.NullMarked;
