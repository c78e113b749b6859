/** Mean, covariance, shrinkage and log-density on doubles; statistics as integers. */
@NullMarked
package dev.perennial.server.gaussian;

import org.jspecify.annotations.NullMarked;
