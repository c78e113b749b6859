/**
 * Charts as inline SVG and HTML without any script: drawn here, coloured by classes so that one
 * chart serves a light and a dark page. Knows nothing of what is charted.
 */
@NullMarked
package dev.perennial.server.eval.chart;

import org.jspecify.annotations.NullMarked;
