/** The continual-learning protocol, its methods, metrics and reports. */
@NullMarked
package dev.perennial.server.eval;

import org.jspecify.annotations.NullMarked;
