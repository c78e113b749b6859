package dev.perennial.server.task;

/**
 * How large a residual branch is.
 *
 * @param depth layers, from the first, that have one, in each tower (bounded by the tower's layers)
 * @param length P, learned keys and values per layer
 */
public record PrefixShape(int depth, int length) {}
