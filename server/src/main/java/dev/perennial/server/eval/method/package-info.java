/** The methods that the benchmark compares: each a small class that names its source. */
@NullMarked
package dev.perennial.server.eval.method;

import org.jspecify.annotations.NullMarked;
