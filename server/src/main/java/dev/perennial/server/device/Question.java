package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.scoring.LabelOwners;
import org.jspecify.annotations.Nullable;

/**
 * What an image is asked under one pool. Immutable.
 *
 * @param labels those of the answer
 * @param owners which of them each slot's task knows
 * @param open those that an image of no learnt domain may show: all of a list of the caller's own,
 *     the unlearnt ones of everything known; null where there is none
 * @param placeOfOpen their places among the labels
 */
@SuppressWarnings("ArrayRecordComponent") // handed over, never compared
record Question(LabelSet labels, LabelOwners owners, @Nullable LabelSet open, int[] placeOfOpen) {}
