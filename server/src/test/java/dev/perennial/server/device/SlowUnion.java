package dev.perennial.server.device;

import dev.perennial.server.clip.LabelSet;
import dev.perennial.server.gaussian.DiscriminantHead;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.server.task.ActiveTask;
import dev.perennial.server.task.PoolSnapshot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Union scoring of one image, the obvious way: every task looked at, labels by name in maps, each
 * term of the formulas as it stands in decision 003. For labels of one text each.
 */
final class SlowUnion {
  private final PoolSnapshot snapshot;
  private final float[] pixels;
  private final float[] frozen;

  SlowUnion(PoolSnapshot snapshot, float[] pixels) {
    this.snapshot = snapshot;
    this.pixels = pixels;
    this.frozen = FakeEncoder.image(pixels, null, 0);
  }

  @SuppressWarnings("ArrayRecordComponent") // handed over, never compared
  private record Member(ActiveTask task, double logDensity, double logGaussian, double[] h) {}

  /**
   * Probabilities by label.
   *
   * @param texts per label its text; of labels that only tasks know nothing
   * @param labels all of them
   * @param listed whether they are the caller's own list
   */
  Map<String, Double> probabilities(
      List<String> labels, Map<String, String> texts, boolean listed) {
    Set<String> learnt = new HashSet<>();
    snapshot.tasks().forEach(task -> learnt.addAll(task.version().classNames()));
    List<String> unlearnt = labels.stream().filter(label -> !learnt.contains(label)).toList();
    List<String> open = listed ? labels : unlearnt;
    List<Member> members = members(labels, !unlearnt.isEmpty());
    Map<String, Double> p = new LinkedHashMap<>();
    labels.forEach(label -> p.put(label, 0.0));
    double gate = gate(members, unlearnt.isEmpty(), !open.isEmpty());
    if (gate < 1) {
      double[] zeroShot = softmax(logits(frozen, open, texts, null));
      for (int i = 0; i < open.size(); i++) {
        p.merge(open.get(i), (1 - gate) * zeroShot[i], Double::sum);
      }
    }
    List<Member> kept = kept(members);
    double total = kept.stream().mapToDouble(m -> weight(m, kept.get(0))).sum();
    for (Member member : gate == 0 ? List.<Member>of() : kept) {
      double share = gate * weight(member, kept.get(0)) / total;
      add(member, share, labels, unlearnt, texts, p);
    }
    return p;
  }

  private List<Member> members(List<String> labels, boolean anyUnlearnt) {
    List<Member> members = new ArrayList<>();
    for (ActiveTask task : snapshot.tasks()) {
      if (anyUnlearnt || task.version().classNames().stream().anyMatch(labels::contains)) {
        DiscriminantHead.Opinion opinion = task.head().opinion(frozen, 0);
        members.add(
            new Member(
                task,
                opinion.logDensity(),
                task.domain().logDensity(frozen, 0),
                opinion.logProbabilities()));
      }
    }
    members.sort(Comparator.comparingDouble(member -> -member.logDensity()));
    return members;
  }

  private static double gate(List<Member> members, boolean allLearnt, boolean anyOpen) {
    if (members.isEmpty() || !anyOpen) {
      return members.isEmpty() ? 0 : 1;
    }
    Member first = members.get(0);
    double z = first.task().domain().z(first.logGaussian());
    double gate = 1 / (1 + Math.exp(-2 * (z + (allLearnt ? 4 : 2.5))));
    return gate <= 1e-5 ? 0 : gate;
  }

  /** At most two, the second only with a tenth of all or more. */
  private static List<Member> kept(List<Member> members) {
    if (members.size() < 2) {
      return members;
    }
    double total = members.stream().mapToDouble(m -> weight(m, members.get(0))).sum();
    return weight(members.get(1), members.get(0)) / total >= 0.1
        ? members.subList(0, 2)
        : members.subList(0, 1);
  }

  private static double weight(Member member, Member first) {
    return Math.exp(0.3 * (member.logDensity() - first.logDensity()));
  }

  private void add(
      Member member,
      double share,
      List<String> labels,
      List<String> unlearnt,
      Map<String, String> texts,
      Map<String, Double> p) {
    ActiveTask task = member.task();
    float[] features = FakeEncoder.image(pixels, task.version().prefixes(), 1);
    List<String> classes = task.version().classNames();
    Map<String, String> ownTexts = new LinkedHashMap<>();
    classes.forEach(name -> ownTexts.put(name, task.version().template().replace("{}", name)));
    double[] s = logits(features, classes, ownTexts, task);
    double in = 0;
    double inSharp = 0;
    for (int c = 0; c < s.length; c++) {
      if (labels.contains(classes.get(c))) {
        in += Math.exp(s[c] + member.h()[c]);
        inSharp += Math.exp((s[c] + member.h()[c]) / 1.5);
      }
    }
    double evidence = task.version().head().tau() * (member.logDensity() - member.logGaussian());
    double[] others = logits(features, unlearnt, texts, task);
    double out =
        Arrays.stream(others).map(v -> Math.exp(v + ScoringRule.UNION.unlearntBias())).sum();
    double odds = in * classes.size() * Math.exp(evidence) / out;
    double q = out == 0 ? 1 : odds / (1 + odds);
    for (int c = 0; c < s.length; c++) {
      if (labels.contains(classes.get(c))) {
        double own = Math.exp((s[c] + member.h()[c]) / 1.5) / inSharp;
        p.merge(classes.get(c), share * q * own, Double::sum);
      }
    }
    double[] shares = softmax(others);
    for (int u = 0; u < shares.length; u++) {
      p.merge(unlearnt.get(u), share * (1 - q) * shares[u], Double::sum);
    }
  }

  private static double[] logits(
      float[] features, List<String> labels, Map<String, String> texts, @Nullable ActiveTask task) {
    return labels.stream()
        .mapToDouble(
            label ->
                FakeEncoder.LOGIT_SCALE
                    * FakeWorld.dot(
                        features,
                        FakeEncoder.text(
                            FakeWorld.TOKENIZER.encode(Objects.requireNonNull(texts.get(label))),
                            task == null ? null : task.version().prefixes(),
                            task == null ? 0 : 1)))
        .toArray();
  }

  private static double[] softmax(double[] logits) {
    double total = Arrays.stream(logits).map(Math::exp).sum();
    return Arrays.stream(logits).map(v -> Math.exp(v) / total).toArray();
  }

  /** Per label of the set its one text. */
  static Map<String, String> texts(LabelSet labels) {
    Map<String, String> texts = new LinkedHashMap<>();
    labels.prompts().forEach(t -> texts.put(labels.labels().get(t.label()), t.text()));
    return texts;
  }
}
