package dev.perennial.server.eval;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.perennial.client.Classification;
import dev.perennial.client.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Teaches a running server one new domain and shows what that changed, there and in domains that
 * were left alone. Used by one thread.
 */
public final class Demonstration {
  /** A domain's answers before and after. */
  private record Comparison(
      Domain domain, List<Classification> before, List<Classification> after) {
    double accuracyBefore() {
      return ServedMethod.accuracy(domain, before);
    }

    double accuracyAfter() {
      return ServedMethod.accuracy(domain, after);
    }
  }

  private static final int SHEET_COLUMNS = 8;
  private static final int SHEET_PICTURE_SIZE = 128;
  private static final int SHEET_CAPTION_LINES = 3;

  private final List<Comparison> comparisons;

  private Demonstration(List<Comparison> comparisons) {
    this.comparisons = comparisons;
  }

  /** Classifies every test set, teaches the new domain, classifies again. Blocks for a minute. */
  public static Demonstration run(
      ServedMethod method, Domain newDomain, List<Domain> untouched, TrainingListener listener) {
    List<Domain> domains = new ArrayList<>(List.of(newDomain));
    domains.addAll(untouched);
    method.requireUnknown(domains);
    List<List<Classification>> before = domains.stream().map(method::classify).toList();
    method.teach(newDomain, listener);
    List<Comparison> comparisons = new ArrayList<>();
    for (int i = 0; i < domains.size(); i++) {
      Domain domain = domains.get(i);
      comparisons.add(new Comparison(domain, before.get(i), method.classify(domain)));
    }
    return new Demonstration(comparisons);
  }

  /**
   * Accuracies in percent: {@code new_domain} and {@code untouched}, each with name, before and
   * after.
   */
  public JsonObject json() {
    JsonArray untouched = new JsonArray();
    comparisons.stream().skip(1).map(Demonstration::json).forEach(untouched::add);
    JsonObject json = new JsonObject();
    json.add("new_domain", json(comparisons.get(0)));
    json.add("untouched", untouched);
    return json;
  }

  /** The same for people. */
  public String table() {
    StringBuilder text =
        new StringBuilder(
            String.format("%-24s%10s%10s%10s%n", "accuracy in percent", "before", "after", ""));
    for (int i = 0; i < comparisons.size(); i++) {
      Comparison comparison = comparisons.get(i);
      double before = comparison.accuracyBefore();
      double after = comparison.accuracyAfter();
      text.append(
          String.format(
              Locale.ROOT,
              "%-24s%10.1f%10.1f%+10.1f%n",
              comparison.domain().name() + (i == 0 ? " (taught)" : " (left alone)"),
              before,
              after,
              after - before));
    }
    return text.toString();
  }

  /**
   * Writes a PNG: test images of each domain with their label, the answers before and after, and w.
   */
  public void writeSheet(Path file) throws IOException {
    List<ContactSheet.Section> sections = new ArrayList<>();
    for (Comparison comparison : comparisons) {
      int count = Math.min(2 * SHEET_COLUMNS, comparison.domain().test().size());
      List<ContactSheet.Cell> cells = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        cells.add(cell(comparison, i));
      }
      sections.add(
          new ContactSheet.Section(
              String.format(
                  Locale.ROOT,
                  "%s: %.1f %% before, %.1f %% after",
                  comparison.domain().name(),
                  comparison.accuracyBefore(),
                  comparison.accuracyAfter()),
              cells));
    }
    new ContactSheet(SHEET_COLUMNS, SHEET_PICTURE_SIZE, SHEET_CAPTION_LINES).write(file, sections);
  }

  private static ContactSheet.Cell cell(Comparison comparison, int i) {
    Domain domain = comparison.domain();
    int truth = domain.test().get(i).classIndex();
    Classification.Routing routing = comparison.after().get(i).routing();
    return new ContactSheet.Cell(
        domain.test().get(i).image(),
        List.of(
            answer("before ", comparison.before().get(i), truth),
            answer("after  ", comparison.after().get(i), truth),
            new ContactSheet.Line(
                routing == null
                    ? "no task"
                    : String.format(
                        Locale.ROOT, "w %.3f  z %.1f", routing.gateWeight(), routing.z()),
                ContactSheet.GREY)));
  }

  private static ContactSheet.Line answer(String head, Classification answer, int truth) {
    Classification.LabelScore best = answer.best();
    return new ContactSheet.Line(
        head + best.label(), best.labelIndex() == truth ? ContactSheet.GREEN : ContactSheet.RED);
  }

  private static JsonObject json(Comparison comparison) {
    JsonObject json = new JsonObject();
    json.addProperty("name", comparison.domain().name());
    json.addProperty("before", comparison.accuracyBefore());
    json.addProperty("after", comparison.accuracyAfter());
    return json;
  }
}
