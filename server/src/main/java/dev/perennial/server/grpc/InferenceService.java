package dev.perennial.server.grpc;

import com.google.protobuf.Descriptors.ServiceDescriptor;
import com.google.rpc.Status;
import dev.perennial.server.clip.ModelDirectory;
import dev.perennial.server.clip.Tokenizer;
import dev.perennial.server.device.Candidates;
import dev.perennial.server.device.Classification;
import dev.perennial.server.device.Devices;
import dev.perennial.server.device.ImageQuery;
import dev.perennial.server.image.ImageDecoder;
import dev.perennial.server.scoring.ScoringRule;
import dev.perennial.v1.ClassifyImageRequest;
import dev.perennial.v1.ClassifyImageResponse;
import dev.perennial.v1.ClassifyRequest;
import dev.perennial.v1.ClassifyResponse;
import dev.perennial.v1.EmbedRequest;
import dev.perennial.v1.EmbedResponse;
import dev.perennial.v1.Image;
import dev.perennial.v1.InferenceProto;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;

/** Classifies and embeds: event loop, decode pool, device, event loop. Safe for any thread. */
final class InferenceService {
  static final ServiceDescriptor SERVICE =
      InferenceProto.getDescriptor().findServiceByName("InferenceService");

  private final GrpcConfig config;
  private final Devices devices;
  private final DecodePool pool;
  private final ImageReader images;
  private final LabelSets labelSets;
  private final Scorings scorings;
  private final Tokenizer tokenizer;

  InferenceService(
      GrpcConfig config,
      ModelDirectory model,
      Devices devices,
      ImageDecoder decoder,
      ImageDecoder.Limits limits,
      DecodePool pool) {
    this.config = config;
    this.devices = devices;
    this.pool = pool;
    this.images = new ImageReader(decoder, limits, model.preprocessing());
    this.tokenizer = model.tokenizer();
    this.labelSets = new LabelSets(tokenizer, pool);
    this.scorings = new Scorings(devices.scoring());
  }

  List<Method<?, ?>> methods() {
    return List.of(
        Method.<ClassifyRequest, ClassifyResponse>stream(
            SERVICE,
            "Classify",
            ClassifyRequest.getDefaultInstance(),
            call -> new ClassifyStream(call)),
        Method.<ClassifyImageRequest, ClassifyImageResponse>unary(
            SERVICE,
            "ClassifyImage",
            ClassifyImageRequest.getDefaultInstance(),
            this::classifyImage),
        Method.<EmbedRequest, EmbedResponse>stream(
            SERVICE,
            "Embed",
            EmbedRequest.getDefaultInstance(),
            call -> new EmbedStream(call, config, devices, pool, images, tokenizer)));
  }

  private CompletableFuture<ClassifyImageResponse> classifyImage(
      Call<ClassifyImageRequest, ClassifyImageResponse> call, ClassifyImageRequest request) {
    ClassificationMessages.checkTopK(request.getTopK());
    CompletableFuture<Candidates> candidates = labelSets.candidates(request.getLabelSet());
    return Futures.map(
        classify(
            request.getImage(),
            candidates,
            scorings.rule(
                request.getScoring(), request.hasUnlearntBias(), request.getUnlearntBias()),
            call.deadlineNanos(),
            call.connection()),
        answer ->
            ClassifyImageResponse.newBuilder()
                .setClassification(new ClassificationMessages().message(answer, request.getTopK()))
                .build());
  }

  /**
   * @param candidates may be shared: it is never cancelled
   */
  private CompletableFuture<Classification> classify(
      Image image,
      CompletableFuture<Candidates> candidates,
      ScoringRule scoring,
      long deadlineNanos,
      Object source) {
    if (image.getFormCase() == Image.FormCase.FORM_NOT_SET) {
      throw ImageReader.missing();
    }
    CompletableFuture<float[]> decoded =
        pool.submit(image.getSerializedSize(), () -> images.pixels(image));
    return Futures.then(
        decoded,
        pixels ->
            Futures.then(
                candidates.copy(),
                labels ->
                    devices.classify(
                        new ImageQuery(pixels, labels, scoring, deadlineNanos, source))));
  }

  /** One Classify stream: its label set holds until another is sent. */
  private final class ClassifyStream extends ItemStream<ClassifyRequest, ClassifyResponse> {
    private final Call<ClassifyRequest, ClassifyResponse> call;
    private final ClassificationMessages messages = new ClassificationMessages();
    private CompletableFuture<Candidates> candidates =
        CompletableFuture.failedFuture(LabelSets.missing());

    ClassifyStream(Call<ClassifyRequest, ClassifyResponse> call) {
      super(call, config);
      this.call = call;
    }

    @Override
    CompletableFuture<Supplier<ClassifyResponse>> answer(ClassifyRequest request, long index) {
      if (request.hasLabelSet()) {
        candidates = sticky(request.getLabelSet());
      }
      int topK = request.getTopK();
      ClassificationMessages.checkTopK(topK);
      return Futures.map(
          classify(
              request.getImage(),
              candidates,
              scorings.rule(
                  request.getScoring(), request.hasUnlearntBias(), request.getUnlearntBias()),
              call.deadlineNanos(),
              call),
          answer ->
              () ->
                  ClassifyResponse.newBuilder()
                      .setIndex(index)
                      .setClassification(messages.message(answer, topK))
                      .build());
    }

    @Override
    ClassifyResponse error(long index, Status error) {
      return ClassifyResponse.newBuilder().setIndex(index).setError(error).build();
    }

    /** A label set that is wrong stays so: images must not be compared with an older one. */
    private CompletableFuture<Candidates> sticky(dev.perennial.v1.LabelSet labels) {
      try {
        return labelSets.candidates(labels);
      } catch (RuntimeException failure) {
        return CompletableFuture.failedFuture(failure);
      }
    }
  }
}
