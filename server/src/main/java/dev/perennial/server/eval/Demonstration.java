package dev.perennial.server.eval;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.perennial.client.Classification;
import dev.perennial.client.TrainingListener;
import dev.perennial.server.eval.data.TaskData;
import dev.perennial.server.image.ImageDecoder;
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
      TaskData domain, List<Classification> before, List<Classification> after) {
    double accuracyBefore() {
      return TaughtServer.accuracy(domain, before);
    }

    double accuracyAfter() {
      return TaughtServer.accuracy(domain, after);
    }
  }

  private static final ImageDecoder DECODER = new ImageDecoder(ImageDecoder.Limits.DEFAULT);
  private static final int SHEET_COLUMNS = 8;
  private static final int SHEET_PICTURE_SIZE = 128;
  private static final int SHEET_CAPTION_LINES = 3;

  private final List<Comparison> comparisons;

  private Demonstration(List<Comparison> comparisons) {
    this.comparisons = comparisons;
  }

  /** Classifies every test set, teaches the new domain, classifies again. Blocks for a minute. */
  public static Demonstration run(
      TaughtServer server,
      TaskData newDomain,
      List<TaskData> untouched,
      TrainingListener listener) {
    List<TaskData> domains = new ArrayList<>(List.of(newDomain));
    domains.addAll(untouched);
    server.requireUnknown(domains.stream().map(TaskData::name).toList());
    List<List<Classification>> before = domains.stream().map(server::classify).toList();
    server.teach(newDomain.name(), newDomain, listener);
    List<Comparison> comparisons = new ArrayList<>();
    for (int i = 0; i < domains.size(); i++) {
      TaskData domain = domains.get(i);
      comparisons.add(new Comparison(domain, before.get(i), server.classify(domain)));
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

  private static ContactSheet.Cell cell(Comparison comparison, int i) throws IOException {
    TaskData domain = comparison.domain();
    int truth = domain.test().get(i).classIndex();
    Classification.Routing routing = comparison.after().get(i).routing();
    return new ContactSheet.Cell(
        DECODER.decode(domain.test().get(i).picture().encoded()),
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
