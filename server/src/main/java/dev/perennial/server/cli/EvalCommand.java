package dev.perennial.server.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import dev.perennial.client.PerennialClient;
import dev.perennial.server.Server;
import dev.perennial.server.ServerConfig;
import dev.perennial.server.clip.ClipModel;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Precision;
import dev.perennial.server.device.DevicesConfig;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.eval.Bench;
import dev.perennial.server.eval.EvalPlan;
import dev.perennial.server.eval.EvalResult;
import dev.perennial.server.eval.EvalRow;
import dev.perennial.server.eval.Evaluation;
import dev.perennial.server.eval.LabelSpace;
import dev.perennial.server.eval.MethodKind;
import dev.perennial.server.eval.ResultCsv;
import dev.perennial.server.eval.ResultJson;
import dev.perennial.server.eval.ResultTable;
import dev.perennial.server.eval.RunState;
import dev.perennial.server.eval.data.Suite;
import dev.perennial.server.eval.method.MethodTable;
import dev.perennial.server.eval.report.ResultsPage;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Visibility;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code perennial eval}: the continual-learning protocol, offline for every method, or through a
 * server's own Train and Classify.
 */
@Command(
    name = "eval",
    description = {
      "Teach a suite's tasks one after the other, test all of them after each, and compare"
          + " methods.",
      "A method is written NAME[:OPTION=VALUE]..., as in diki:recipe=official:gate=off."
    })
public final class EvalCommand implements Callable<Integer> {
  /** Of decoded pictures, kept by all workers together: at most this, and a quarter of the heap. */
  private static final long MAX_PIXEL_BYTES = 4L << 30;

  private static final int HEAP_SHARE = 4;

  /** A wider model keeps all cores busy by itself. */
  private static final int NARROW_MODEL = 256;

  private static final String TORCH_THREADS = "ai.djl.pytorch.num_threads";

  @Spec private @Nullable CommandSpec spec;

  @Mixin private EvalSuite suiteOptions = new EvalSuite();

  @Option(
      names = "--methods",
      split = ",",
      showDefaultValue = Visibility.NEVER,
      paramLabel = "METHOD",
      description =
          "Rows of the table (default: zero-shot, fine-tune, zscl, prompt-pool, iki, diki-paper,"
              + " diki-official, diki-official-mixed, diki, perennial; with a server: diki,"
              + " perennial). seeds=N: the first N seeds only.")
  private List<String> methods = List.of();

  @Option(
      names = "--shots",
      paramLabel = "N",
      description = "Training images of each class; 0: all.")
  private int shots;

  @Option(
      names = "--tests",
      paramLabel = "N",
      description = "The first N test images of each class; 0: all (of mini-mtil 30).")
  private int tests;

  @Option(
      names = "--seeds",
      split = ",",
      paramLabel = "N",
      description = "One run each: its training images, initialisation and order.")
  private List<Long> seeds = List.of(0L);

  @Option(
      names = "--labels",
      description = "What a test image is asked: its task's classes, or those of all tasks.")
  private LabelSpace.Kind labels = LabelSpace.Kind.TASK;

  @Option(
      names = "--score-on",
      description = "validation: a fifth of the training images, held out; for tuning.")
  private EvalPlan.ScoreOn scoreOn = EvalPlan.ScoreOn.TEST;

  @ArgGroup(validate = false, heading = "%nOptions of all methods that know them:%n")
  private Common common = new Common();

  /** Options that methods share. */
  static final class Common {
    @Option(names = "--recipe", paramLabel = "NAME", description = "robust or official.")
    private @Nullable String recipe;

    @Option(names = "--values", paramLabel = "NAME", description = "zero or random at the start.")
    private @Nullable String values;

    @Option(names = "--choice", paramLabel = "NAME", description = "Task by gaussian or key.")
    private @Nullable String choice;

    @Option(names = "--depth", paramLabel = "N", description = "Layers with a branch.")
    private @Nullable String depth;

    @Option(names = "--prefix-length", paramLabel = "N", description = "Keys of a branch.")
    private @Nullable String prefixLength;

    @Option(
        names = "--learning-rate",
        showDefaultValue = Visibility.NEVER,
        paramLabel = "METHOD=RATE",
        description = "For one method: the first step's learning rate.")
    private Map<String, String> learningRates = new LinkedHashMap<>();

    private Map<String, String> options() {
      Map<String, @Nullable String> all = new LinkedHashMap<>();
      all.put("recipe", recipe);
      all.put("values", values);
      all.put("choice", choice);
      all.put("depth", depth);
      all.put("prefix-length", prefixLength);
      Map<String, String> given = new HashMap<>();
      all.forEach(
          (name, value) -> {
            if (value != null) {
              given.put(name, value);
            }
          });
      return given;
    }
  }

  @ArgGroup(validate = false, heading = "%nWhere it runs:%n")
  private Place place = new Place();

  /** Where and how. */
  static final class Place {
    @Option(
        names = "--model",
        paramLabel = "DIR",
        description = "A CLIPModel directory (default: the built-in one).")
    private @Nullable Path model;

    @Option(names = "--device", paramLabel = "NAME", description = "cpu or cuda:N.")
    private String device = "cpu";

    @Option(names = "--precision", description = "Of the towers: ${COMPLETION-CANDIDATES}.")
    private Precision precision = Precision.FP32;

    @Option(
        names = "--workers",
        paramLabel = "N",
        showDefaultValue = Visibility.NEVER,
        description =
            "Methods and seeds that run beside each other (default: one per core for a narrow model"
                + " on the CPU, else 1). No result depends on it.")
    private int workers;

    @Option(
        names = "--served",
        description = "Through Train and Classify of a server that is started here.")
    private boolean served;

    @Option(
        names = "--target",
        paramLabel = "HOST:PORT[,...]",
        description = "Through Train and Classify of a running server, on the model of --model.")
    private @Nullable String target;
  }

  @ArgGroup(validate = false, heading = "%nResults:%n")
  private Output output = new Output();

  /** What is written. */
  static final class Output {
    @Option(names = "--json", paramLabel = "FILE", description = "Everything, for machines.")
    private @Nullable Path json;

    @Option(names = "--csv", paramLabel = "FILE", description = "One line for each cell.")
    private @Nullable Path csv;

    @Option(
        names = "--html",
        paramLabel = "FILE",
        description = "One page with tables and pictures, for people.")
    private @Nullable Path html;

    @Option(
        names = "--from-json",
        paramLabel = "FILE",
        description = "Measures nothing: makes the --html of results that --json wrote before.")
    private @Nullable Path fromJson;

    @Option(
        names = "--state",
        paramLabel = "DIR",
        description =
            "Keeps what is done, so that an interrupted run goes on, and later ones add to it"
                + " (default: FILE.state beside --json, deleted at the end).")
    private @Nullable Path state;
  }

  @Override
  public Integer call() throws IOException {
    if (output.fromJson != null) {
      return page(output.fromJson);
    }
    if (!place.served && place.target == null) {
      return evaluate(MethodTable.kinds(), MethodTable.usual());
    }
    if (place.target != null) {
      return through(place.target);
    }
    ServerConfig config =
        ServerConfig.DEFAULT
            .onFreePort()
            .withDevices(DevicesConfig.DEFAULT.on(List.of(place.device), place.precision));
    try (Server server =
        Commands.startServer(place.model == null ? config : config.withModel(place.model))) {
      return through("127.0.0.1:" + server.port());
    }
  }

  private int page(Path results) throws IOException {
    if (output.html == null) {
      throw ServingException.invalid(
          "NO_PAGE", "html", "html: absent (expected: a file, with --from-json)");
    }
    ResultsPage.read(results).write(output.html);
    return 0;
  }

  private int through(String target) throws IOException {
    try (PerennialClient client = PerennialClient.builder().target(target).build()) {
      return evaluate(MethodTable.served(client), List.of("diki"));
    }
  }

  private int evaluate(List<MethodKind> kinds, List<String> usual) throws IOException {
    PrintWriter out = Commands.spec(spec).commandLine().getOut();
    ModelDirectory directory =
        place.model == null ? ModelDirectory.embedded() : ModelDirectory.open(place.model);
    EvalPlan plan;
    int workers;
    try {
      plan = plan(kinds, usual, directory);
      workers = workers(directory);
    } catch (ServingException e) {
      throw e.code() == ErrorCode.INVALID_ARGUMENT
          ? ServingException.invalid("BAD_SETTING", "eval", String.valueOf(e.getMessage()))
          : e;
    }
    if (System.getProperty(TORCH_THREADS) == null) {
      int each = Math.max(1, Runtime.getRuntime().availableProcessors() / workers);
      System.setProperty(TORCH_THREADS, Integer.toString(each)); // read when PyTorch is loaded
    }
    RunState state = state(plan);
    EvalResult result;
    try (EvalDisplay display = EvalDisplay.forPeople(out)) {
      result = Evaluation.run(plan, state, workers, pixelBytes(), display);
    }
    out.print(ResultTable.write(result));
    out.flush();
    write(result);
    if (output.state == null) {
      state.delete();
    }
    return 0;
  }

  private EvalPlan plan(List<MethodKind> kinds, List<String> usual, ModelDirectory directory) {
    DevicesConfig checked = DevicesConfig.DEFAULT.on(List.of(place.device), place.precision);
    Suite suite = suiteOptions.suite(tests);
    List<EvalRow> rows = new ArrayList<>();
    for (String text : methods.isEmpty() ? usual : methods) {
      Map<String, String> options = common.options();
      String rate = common.learningRates.get(text.split(":", 2)[0]);
      if (rate != null) {
        options.put("learning-rate", rate);
      }
      rows.add(EvalRow.parse(text, kinds, options, directory.config()));
    }
    return new EvalPlan(
        suite,
        suiteOptions.order(suite),
        shots,
        tests,
        labels,
        scoreOn,
        new Bench.Engine(directory, checked.devices().get(0), checked.precision()),
        seeds,
        rows);
  }

  private int workers(ModelDirectory directory) {
    boolean served = place.served || place.target != null;
    if (place.workers < 0 || (served && place.workers > 1)) {
      throw ServingException.invalid(
          "WORKERS",
          "workers",
          "workers: %d (expected: 1 or more; 1 with a server)".formatted(place.workers));
    }
    if (place.workers > 0) {
      return place.workers;
    }
    boolean narrow = directory.config().image().width() < NARROW_MODEL;
    return narrow && place.device.equals("cpu") && !served
        ? Runtime.getRuntime().availableProcessors()
        : 1;
  }

  private static long pixelBytes() {
    return Math.min(MAX_PIXEL_BYTES, Runtime.getRuntime().maxMemory() / HEAP_SHARE);
  }

  private RunState state(EvalPlan plan) {
    Path directory = output.state;
    if (directory == null && output.json != null) {
      directory = output.json.resolveSibling(output.json.getFileName() + ".state");
    }
    return directory == null ? RunState.NONE : RunState.open(directory, plan.conditions());
  }

  private void write(EvalResult result) throws IOException {
    Map<String, String> versions = new LinkedHashMap<>();
    versions.put("perennial", String.join(" ", Commands.spec(spec).root().version()));
    versions.put("java", Runtime.version().toString());
    versions.put("pytorch", ClipModel.engineVersion());
    JsonObject json = ResultJson.write(result, versions);
    json.addProperty(
        "command",
        ShellWords.join(
            "perennial", Commands.spec(spec).commandLine().getParseResult().originalArgs()));
    if (output.json != null) {
      String text = new GsonBuilder().serializeNulls().setPrettyPrinting().create().toJson(json);
      Files.writeString(output.json, text + "\n");
    }
    if (output.csv != null) {
      Files.writeString(output.csv, ResultCsv.write(result));
    }
    if (output.html != null) {
      ResultsPage.of(json).write(output.html);
    }
  }
}
