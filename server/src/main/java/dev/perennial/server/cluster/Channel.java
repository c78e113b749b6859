package dev.perennial.server.cluster;

import dev.perennial.server.error.ErrorCode;
import dev.perennial.server.error.ServingException;
import java.time.Duration;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One topic that members talk about. Safe for any thread.
 *
 * @param <Q> the questions of this topic
 */
public final class Channel<Q extends Question> {
  private static final Logger LOG = LoggerFactory.getLogger(Channel.class);

  private final Members members;
  private final Members.Topic topic;
  private final Wire<Q> wire;

  public Channel(Members members, Members.Topic topic, Wire<Q> wire) {
    this.members = members;
    this.topic = topic;
    this.wire = wire;
  }

  /** Throws UNAVAILABLE (REJOINING) while this member is on its way from one group to another. */
  public View view() {
    return members.view();
  }

  /**
   * From now on, questions of the others are answered here, by {@link Wire#answer} or {@link
   * Wire#bytes}; what is thrown is answered as a failure.
   */
  public void answer(Function<Q, byte[]> answering) {
    members.serve(topic, bytes -> answer(bytes, answering));
  }

  private byte[] answer(byte[] bytes, Function<Q, byte[]> answering) {
    try {
      return answering.apply(wire.question(bytes));
    } catch (ServingException e) {
      return Wire.failure(e);
    } catch (RuntimeException e) {
      LOG.error("a member's question failed", e);
      return Wire.failure(
          new ServingException(ErrorCode.INTERNAL, "MEMBER_FAILED", "member: " + e));
    }
  }

  /** An answer that is still to be waited for and read: {@link Answers}, {@link Wire}. */
  public CompletableFuture<byte[]> ask(String member, Q question) {
    return members.ask(member, topic, question.level(), wire.bytesOf(question));
  }

  /** The same of several members at once; their answers in that order. */
  public Map<String, CompletableFuture<byte[]>> askAll(Collection<String> asked, Q question) {
    Map<String, CompletableFuture<byte[]>> answers = new LinkedHashMap<>();
    asked.forEach(member -> answers.put(member, ask(member, question)));
    return answers;
  }

  /**
   * One answer; throws what the member failed with, or UNAVAILABLE where it is silent or gone:
   * whether it did what it was asked for is then not known.
   */
  public <T> T ask(String member, Q question, Class<T> kind, Duration timeout) {
    return Wire.read(Answers.await(member, ask(member, question), timeout), kind);
  }
}
