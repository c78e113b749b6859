/**
 * A small typed client for Perennial; depends on the wire contract alone.
 *
 * <p>Start at {@link dev.perennial.client.PerennialClient}. Values are immutable and safe for any
 * thread; protobuf types stay inside.
 */
@NullMarked
package dev.perennial.client;

import org.jspecify.annotations.NullMarked;
