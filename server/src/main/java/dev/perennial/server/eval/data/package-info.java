/**
 * Labelled pictures to evaluate on: suites of tasks, drawn here or read from files. Pictures are
 * read when asked for; no reader keeps the pixels of a data set in memory.
 */
@NullMarked
package dev.perennial.server.eval.data;

import org.jspecify.annotations.NullMarked;
