package dev.perennial.server.cluster;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.TypeAdapter;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonWriter;
import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * Requests and answers as bytes. A request is {@code {"format": 3, "op": .., "body": ..}}; an
 * answer is a tag and JSON, plain bytes, or a failure. Bytes within JSON are Base64. Fields may be
 * added within a format: readers pass over what they do not know. Immutable.
 */
public final class Wire<Q extends Question> {
  /** Members of another format do not work together. */
  public static final int FORMAT = 3;

  private static final byte JSON = 0;
  private static final byte BYTES = 1;
  private static final byte FAILURE = 2;

  private static final Gson GSON =
      new GsonBuilder()
          .disableHtmlEscaping()
          .registerTypeAdapter(byte[].class, new Base64Bytes())
          .create();

  /** A number for each byte would take four times the room. */
  private static final class Base64Bytes extends TypeAdapter<byte[]> {
    @Override
    public void write(JsonWriter out, byte[] value) throws IOException {
      out.value(Base64.getEncoder().encodeToString(value));
    }

    @Override
    public byte[] read(JsonReader in) throws IOException {
      return Base64.getDecoder().decode(in.nextString());
    }
  }

  private record Failure(String code, String reason, String message) {}

  private final Map<String, Class<? extends Q>> questions;

  /** The questions of one topic, by their simple names. */
  public Wire(List<Class<? extends Q>> questions) {
    this.questions =
        questions.stream()
            .collect(Collectors.toUnmodifiableMap(Class::getSimpleName, Function.identity()));
  }

  byte[] bytesOf(Q question) {
    JsonObject envelope = new JsonObject();
    envelope.addProperty("format", FORMAT);
    envelope.addProperty("op", question.getClass().getSimpleName());
    envelope.add("body", GSON.toJsonTree(question));
    return GSON.toJson(envelope).getBytes(StandardCharsets.UTF_8);
  }

  /** Throws FAILED_PRECONDITION where a newer member asks for what this one does not know. */
  Q question(byte[] bytes) {
    try {
      JsonObject envelope =
          JsonParser.parseString(new String(bytes, StandardCharsets.UTF_8)).getAsJsonObject();
      String op = envelope.get("op").getAsString();
      Class<? extends Q> kind = questions.get(op);
      int format = envelope.get("format").getAsInt();
      if (kind == null || format != FORMAT) {
        throw new ServingException(
            ErrorCode.FAILED_PRECONDITION,
            "UNKNOWN_REQUEST",
            "request of another member: "
                + op
                + " in format "
                + format
                + " (expected: one of format "
                + FORMAT
                + ")");
      }
      return GSON.fromJson(envelope.get("body"), kind);
    } catch (JsonParseException | IllegalStateException | NullPointerException e) {
      throw damaged(e);
    }
  }

  public static byte[] answer(Object record) {
    return tagged(JSON, GSON.toJson(record).getBytes(StandardCharsets.UTF_8));
  }

  public static byte[] bytes(byte[] content) {
    return tagged(BYTES, content);
  }

  public static byte[] failure(ServingException failure) {
    Failure record =
        new Failure(failure.code().name(), failure.reason(), String.valueOf(failure.getMessage()));
    return tagged(FAILURE, GSON.toJson(record).getBytes(StandardCharsets.UTF_8));
  }

  private static byte[] tagged(byte tag, byte[] content) {
    byte[] tagged = new byte[content.length + 1];
    tagged[0] = tag;
    System.arraycopy(content, 0, tagged, 1, content.length);
    return tagged;
  }

  /** An answer's record; throws the failure that the member answered with. */
  public static <T> T read(byte[] answer, Class<T> kind) {
    String text = new String(content(answer, JSON), StandardCharsets.UTF_8);
    try {
      return GSON.fromJson(text, kind);
    } catch (JsonParseException e) {
      throw damaged(e);
    }
  }

  /** An answer's bytes; throws the failure that the member answered with. */
  public static byte[] readBytes(byte[] answer) {
    return content(answer, BYTES);
  }

  private static byte[] content(byte[] answer, byte expected) {
    byte[] content = new byte[Math.max(0, answer.length - 1)];
    System.arraycopy(answer, Math.min(1, answer.length), content, 0, content.length);
    if (answer.length > 0 && answer[0] == FAILURE) {
      Failure failure = GSON.fromJson(new String(content, StandardCharsets.UTF_8), Failure.class);
      throw new ServingException(code(failure.code()), failure.reason(), failure.message());
    }
    if (answer.length == 0 || answer[0] != expected) {
      throw damaged(new IllegalArgumentException("answer of " + answer.length + " bytes"));
    }
    return content;
  }

  /** A newer member may know codes that this one does not. */
  private static ErrorCode code(String name) {
    for (ErrorCode code : ErrorCode.values()) {
      if (code.name().equals(name)) {
        return code;
      }
    }
    return ErrorCode.INTERNAL;
  }

  private static ServingException damaged(Exception cause) {
    return new ServingException(
        ErrorCode.INTERNAL,
        "BAD_MEMBER_MESSAGE",
        "message of another member: " + cause.getMessage() + " (expected: one that can be read)",
        cause);
  }
}
