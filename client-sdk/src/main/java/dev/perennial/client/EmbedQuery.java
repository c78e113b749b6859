package dev.perennial.client;

import dev.perennial.v1.EmbedRequest;

/** An image or a text to embed, by the frozen encoder or with a task's branch. Immutable. */
public final class EmbedQuery {
  private final EmbedRequest message;

  private EmbedQuery(EmbedRequest message) {
    this.message = message;
  }

  /** An image, by the frozen encoder. */
  public static EmbedQuery image(Image image) {
    return new EmbedQuery(EmbedRequest.newBuilder().setImage(image.message()).build());
  }

  /** A text, by the frozen encoder; no template is put around it. */
  public static EmbedQuery text(String text) {
    return new EmbedQuery(EmbedRequest.newBuilder().setText(text).build());
  }

  /** The same with a task's residual branch at a weight in [0, 1]. */
  public EmbedQuery with(String task, float gateWeight) {
    return new EmbedQuery(message.toBuilder().setTask(task).setGateWeight(gateWeight).build());
  }

  EmbedRequest message() {
    return message;
  }
}
