/** The protocol's results as a page for people: read from their JSON, explained, drawn. */
@NullMarked
package dev.perennial.server.eval.report;

import org.jspecify.annotations.NullMarked;
