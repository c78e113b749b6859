package dev.perennial.server.grpc;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.device.Classification;
import dev.perennial.server.error.ServingException;
import dev.perennial.v1.LabelScore;
import dev.perennial.v1.Routing;
import dev.perennial.v1.TaskEvidence;
import dev.perennial.v1.UnionEvidence;
import dev.perennial.v1.UnknownWords;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * Answers as messages. Remembers the unknown words of the last label set, since the answers of a
 * stream mostly share one. Owned by one event loop.
 */
final class ClassificationMessages {
  /** Labels in one answer, and labels of which unknown words are told. */
  static final int MAX_LABELS = 1_000;

  private @Nullable LabelSet lastLabels;
  private List<UnknownWords> lastUnknown = List.of();

  /** Throws INVALID_ARGUMENT where it is out of bounds. */
  static void checkTopK(int topK) {
    if (topK < 0 || topK > MAX_LABELS) {
      throw ServingException.invalid(
          "TOP_K",
          "top_k",
          "top_k: " + Integer.toUnsignedString(topK) + " (expected: 0.." + MAX_LABELS + ")");
    }
  }

  dev.perennial.v1.Classification message(Classification answer, int topK) {
    int count = Math.min(topK == 0 ? MAX_LABELS : topK, answer.labels().labels().size());
    dev.perennial.v1.Classification.Builder message =
        dev.perennial.v1.Classification.newBuilder()
            .setEpoch(answer.epoch())
            .addAllUnknownWords(unknownWords(answer.labels()));
    for (int place : mostProbable(answer.probabilities(), answer.logits(), count)) {
      message.addScores(score(answer, place));
    }
    Classification.Routing routing = answer.routing();
    if (routing != null) {
      message.setRouting(routing(routing));
    }
    Classification.Union union = answer.union();
    if (union != null) {
      message.setUnionEvidence(evidence(union));
    }
    return message.build();
  }

  private static LabelScore score(Classification answer, int place) {
    return LabelScore.newBuilder()
        .setLabel(answer.labels().labels().get(place))
        .setProbability(answer.probabilities()[place])
        .setLogit(answer.logits()[place])
        .setLabelIndex(place)
        .build();
  }

  private static UnionEvidence evidence(Classification.Union union) {
    UnionEvidence.Builder evidence =
        UnionEvidence.newBuilder().setGate(union.gate()).setNone(union.none());
    for (Classification.TaskShare share : union.tasks()) {
      evidence.addTasks(
          TaskEvidence.newBuilder()
              .setTask(share.task())
              .setVersionId(share.versionId())
              .setPosterior(share.posterior())
              .setKnown(share.known()));
    }
    return evidence.build();
  }

  private static Routing routing(Classification.Routing routing) {
    return Routing.newBuilder()
        .setTask(routing.task())
        .setVersionId(routing.versionId())
        .setGateWeight(routing.gateWeight())
        .setLogDensity(routing.logDensity())
        .setZ(routing.z())
        .build();
  }

  /** Places of the highest probabilities, highest first; ties by logit, then by place. */
  private static List<Integer> mostProbable(float[] probabilities, float[] logits, int count) {
    Comparator<Integer> better =
        Comparator.<Integer>comparingDouble(place -> -probabilities[place])
            .thenComparingDouble(place -> -logits[place])
            .thenComparingInt(place -> place);
    PriorityQueue<Integer> best = new PriorityQueue<>(count + 1, better.reversed());
    for (int place = 0; place < probabilities.length; place++) {
      best.add(place);
      if (best.size() > count) {
        best.remove();
      }
    }
    List<Integer> places = new ArrayList<>(best);
    places.sort(better);
    return places;
  }

  @SuppressWarnings("ReferenceEquality") // the same object, most of the time; else it is made anew
  private List<UnknownWords> unknownWords(LabelSet labels) {
    if (labels == lastLabels) {
      return lastUnknown;
    }
    List<UnknownWords> unknown = new ArrayList<>();
    for (int i = 0; i < labels.labels().size() && unknown.size() < MAX_LABELS; i++) {
      List<String> words = labels.unknownWords().get(i);
      if (!words.isEmpty()) {
        unknown.add(
            UnknownWords.newBuilder().setLabel(labels.labels().get(i)).addAllWords(words).build());
      }
    }
    lastLabels = labels;
    lastUnknown = unknown;
    return unknown;
  }
}
