/** Wire to domain and back, with back-pressure; the only place that knows gRPC status. */
@NullMarked
package dev.perennial.server.grpc;

import org.jspecify.annotations.NullMarked;
