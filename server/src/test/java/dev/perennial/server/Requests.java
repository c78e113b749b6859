package dev.perennial.server;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import dev.perennial.v1.AllKnownLabels;
import dev.perennial.v1.Classification;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ExplicitLabels;
import dev.perennial.v1.Image;
import dev.perennial.v1.InferenceServiceGrpc;
import dev.perennial.v1.LabelSet;
import io.grpc.protobuf.StatusProto;
import java.util.List;

/** Requests that tests send, and what they read from failures. */
public final class Requests {
  private Requests() {}

  public static LabelSet labels(String... labels) {
    return labels(List.of(labels));
  }

  public static LabelSet labels(List<String> labels) {
    return LabelSet.newBuilder()
        .setExplicit(ExplicitLabels.newBuilder().addAllLabels(labels))
        .build();
  }

  public static LabelSet task(String task) {
    return LabelSet.newBuilder().setTask(task).build();
  }

  public static LabelSet allKnown() {
    return LabelSet.newBuilder().setAllKnown(AllKnownLabels.getDefaultInstance()).build();
  }

  public static ClassifyRequest classify(Image image) {
    return ClassifyRequest.newBuilder().setImage(image).build();
  }

  public static ClassifyRequest classify(Image image, LabelSet labels) {
    return ClassifyRequest.newBuilder().setImage(image).setLabelSet(labels).build();
  }

  /** Everything that was computed for an image, floats and all, but the epoch. */
  public static Classification answer(
      InferenceServiceGrpc.InferenceServiceBlockingStub server, Image image, LabelSet labels) {
    ClassifyImageRequest request =
        ClassifyImageRequest.newBuilder().setImage(image).setLabelSet(labels).build();
    return server.classifyImage(request).getClassification().toBuilder().clearEpoch().build();
  }

  /** {@code CODE REASON field}, or {@code CODE REASON} without a field. */
  public static String failure(com.google.rpc.Status status) {
    StringBuilder text =
        new StringBuilder(io.grpc.Status.fromCodeValue(status.getCode()).getCode().name());
    try {
      for (var detail : status.getDetailsList()) {
        if (detail.is(ErrorInfo.class)) {
          text.append(' ').append(detail.unpack(ErrorInfo.class).getReason());
        } else if (detail.is(BadRequest.class)) {
          text.append(' ').append(detail.unpack(BadRequest.class).getFieldViolations(0).getField());
        }
      }
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    }
    return text.toString();
  }

  /** The same of a call's failure. */
  public static String failure(Throwable failure) {
    com.google.rpc.Status status = StatusProto.fromThrowable(failure);
    if (status == null) {
      throw new AssertionError(failure);
    }
    return failure(status);
  }
}
