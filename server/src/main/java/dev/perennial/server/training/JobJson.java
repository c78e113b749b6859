package dev.perennial.server.training;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.gaussian.GateKind;
import dev.perennial.server.task.PrefixShape;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A job as {@code job.json}: the format version, the job, and whether it was asked to stop. */
public final class JobJson {

  private static final int FORMAT = 1;

  /** What is read back. */
  public record Stored(TrainingJob job, boolean cancelRequested) {}

  private JobJson() {}

  public static byte[] write(TrainingJob job, boolean cancelRequested) {
    JsonObject json = new JsonObject();
    json.addProperty("format", FORMAT);
    json.addProperty("job_id", job.jobId());
    json.addProperty("state", job.state().name());
    json.addProperty("cancel_requested", cancelRequested);
    json.addProperty("examples", job.examples());
    json.addProperty("version_id", job.versionId());
    json.addProperty("epoch", job.epoch());
    json.addProperty("created", job.created().toString());
    json.addProperty("ended", job.ended() == null ? null : job.ended().toString());
    json.add("spec", spec(job.spec()));
    json.add("progress", progress(job.progress()));
    json.add("error", error(job.error()));
    return json.toString().getBytes(UTF_8);
  }

  /**
   * Fields that are not known are passed over. Throws DATA_LOSS where the bytes are no job,
   * FAILED_PRECONDITION where newer software wrote them in another format.
   */
  public static Stored read(byte[] bytes) {
    return parsed(bytes, JobJson::readJob);
  }

  private static <T> T parsed(byte[] bytes, Function<JsonObject, T> reading) {
    try {
      JsonObject json = JsonParser.parseString(new String(bytes, UTF_8)).getAsJsonObject();
      int format = json.get("format").getAsInt();
      if (format > FORMAT) {
        throw new ServingException(
            ErrorCode.FAILED_PRECONDITION,
            "NEWER_FORMAT",
            "format of job or upload: "
                + format
                + " (expected: "
                + FORMAT
                + ", or newer software)");
      }
      if (format != FORMAT) {
        throw damaged("format " + format + " (expected: " + FORMAT + ")", null);
      }
      return reading.apply(json);
    } catch (JsonParseException
        | IllegalArgumentException
        | IllegalStateException
        | UnsupportedOperationException
        | ClassCastException
        | NullPointerException // a key is missing
        | DateTimeException e) {
      throw damaged("unreadable", e);
    }
  }

  private static Stored readJob(JsonObject json) {
    String ended = text(json, "ended");
    JsonElement error = json.get("error");
    TrainingJob job =
        new TrainingJob(
            json.get("job_id").getAsString(),
            readSpec(json.getAsJsonObject("spec")),
            JobState.valueOf(json.get("state").getAsString()),
            readProgress(json.getAsJsonObject("progress")),
            json.get("examples").getAsLong(),
            text(json, "version_id"),
            json.get("epoch").getAsLong(),
            error.isJsonNull() ? null : readError(error.getAsJsonObject()),
            Instant.parse(json.get("created").getAsString()),
            ended == null ? null : Instant.parse(ended));
    return new Stored(job, json.get("cancel_requested").getAsBoolean());
  }

  /** An upload as {@code upload.json}: the format version and what is wanted. */
  static byte[] writeUpload(TrainingSpec spec) {
    JsonObject json = new JsonObject();
    json.addProperty("format", FORMAT);
    json.add("spec", spec(spec));
    return json.toString().getBytes(UTF_8);
  }

  /** As {@link #read}. */
  static TrainingSpec readUpload(byte[] bytes) {
    return parsed(bytes, json -> readSpec(json.getAsJsonObject("spec")));
  }

  private static JsonObject spec(TrainingSpec spec) {
    JsonObject json = new JsonObject();
    JsonArray classes = new JsonArray();
    spec.classNames().forEach(classes::add);
    json.addProperty("task", spec.task());
    json.add("class_names", classes);
    json.addProperty("template", spec.template());
    json.addProperty("request_id", spec.requestId());
    json.addProperty("recipe", spec.recipe().name());
    json.addProperty("gate", spec.gate().name());
    json.addProperty("seed", spec.seed());
    json.addProperty("depth", spec.shape().depth());
    json.addProperty("prefix_length", spec.shape().length());
    json.addProperty("epochs", spec.epochs());
    json.addProperty("batch_size", spec.batchSize());
    json.addProperty("learning_rate", spec.learningRate());
    json.addProperty("validation_share", spec.validationShare());
    json.addProperty("statistics_only", spec.statisticsOnly());
    return json;
  }

  private static TrainingSpec readSpec(JsonObject json) {
    List<String> classes = new ArrayList<>();
    json.getAsJsonArray("class_names").forEach(name -> classes.add(name.getAsString()));
    return new TrainingSpec(
        json.get("task").getAsString(),
        classes,
        json.get("template").getAsString(),
        json.get("request_id").getAsString(),
        TrainingSpec.Recipe.valueOf(json.get("recipe").getAsString()),
        GateKind.valueOf(json.get("gate").getAsString()),
        json.get("seed").getAsLong(),
        new PrefixShape(json.get("depth").getAsInt(), json.get("prefix_length").getAsInt()),
        json.get("epochs").getAsInt(),
        json.get("batch_size").getAsInt(),
        json.get("learning_rate").getAsFloat(),
        json.get("validation_share").getAsFloat(),
        json.has("statistics_only") && json.get("statistics_only").getAsBoolean());
  }

  private static JsonObject progress(TrainingJob.Progress progress) {
    JsonObject json = new JsonObject();
    json.addProperty("epoch", progress.epoch());
    json.addProperty("epochs", progress.epochs());
    json.addProperty("step", progress.step());
    json.addProperty("steps", progress.steps());
    json.addProperty("loss", finite(progress.loss()));
    json.addProperty("accuracy", finite(progress.accuracy()));
    json.addProperty("images_per_second", finite(progress.imagesPerSecond()));
    json.addProperty("validation_accuracy_before", finite(progress.validationAccuracyBefore()));
    json.addProperty("validation_accuracy_best", finite(progress.validationAccuracyBest()));
    return json;
  }

  private static TrainingJob.Progress readProgress(JsonObject json) {
    return new TrainingJob.Progress(
        json.get("epoch").getAsInt(),
        json.get("epochs").getAsInt(),
        json.get("step").getAsLong(),
        json.get("steps").getAsLong(),
        number(json, "loss"),
        number(json, "accuracy"),
        number(json, "images_per_second"),
        Duration.ZERO,
        number(json, "validation_accuracy_before"),
        number(json, "validation_accuracy_best"));
  }

  private static @Nullable JsonObject error(@Nullable ServingException error) {
    if (error == null) {
      return null;
    }
    JsonObject json = new JsonObject();
    json.addProperty("code", error.code().name());
    json.addProperty("reason", error.reason());
    json.addProperty("message", error.getMessage());
    json.addProperty("field", error.field());
    return json;
  }

  private static ServingException readError(JsonObject json) {
    ErrorCode code = ErrorCode.valueOf(json.get("code").getAsString());
    String reason = json.get("reason").getAsString();
    String message = String.valueOf(text(json, "message"));
    String field = text(json, "field");
    return code == ErrorCode.INVALID_ARGUMENT && field != null
        ? ServingException.invalid(reason, field, message)
        : new ServingException(code, reason, message);
  }

  /** JSON knows no NaN. */
  private static @Nullable Float finite(float value) {
    return Float.isFinite(value) ? value : null;
  }

  private static float number(JsonObject json, String key) {
    JsonElement value = json.get(key);
    return value.isJsonNull() ? Float.NaN : value.getAsFloat();
  }

  private static @Nullable String text(JsonObject json, String key) {
    JsonElement value = json.get(key);
    return value.isJsonNull() ? null : value.getAsString();
  }

  private static ServingException damaged(String what, @Nullable Throwable cause) {
    String message = "job or upload: " + what;
    return cause == null
        ? new ServingException(ErrorCode.DATA_LOSS, "JOB_DAMAGED", message)
        : new ServingException(ErrorCode.DATA_LOSS, "JOB_DAMAGED", message, cause);
  }
}
