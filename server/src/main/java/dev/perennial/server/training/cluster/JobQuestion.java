package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Members.Level;
import dev.perennial.server.cluster.Question;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.training.Lease;
import dev.perennial.server.training.LocalJobs.Held;
import java.util.List;
import java.util.Map;

/** What members say to each other about jobs and uploads. */
@SuppressWarnings("ArrayRecordComponent") // sent, never compared
sealed interface JobQuestion extends Question {
  Wire<JobQuestion> WIRE =
      new Wire<>(
          List.of(
              Offer.class,
              Append.class,
              Put.class,
              Drop.class,
              Hear.class,
              Find.class,
              Tell.class,
              Claim.class,
              Register.class,
              HandOver.class,
              Cancel.class));

  @Override
  default Level level() {
    return Level.READ;
  }

  /** Keep a copy. */
  record Offer(String from, String id, Lease lease) implements JobQuestion {}

  /** More of a copy's spool. */
  record Append(String id, Lease lease, long offset, byte[] bytes) implements JobQuestion {}

  /** Another file of a copy. */
  record Put(String id, Lease lease, String name, byte[] bytes) implements JobQuestion {}

  /**
   * A copy that is needed no more.
   *
   * @param generation the last one under that token that goes; 0, as of older software: any
   */
  record Drop(String id, long token, long generation) implements JobQuestion {
    /** Whatever there is under that token or an earlier one. */
    static Drop all(String id, long token) {
      return new Drop(id, token, 0);
    }

    /** What is older than that lease's copy. */
    static Drop before(String id, Lease lease) {
      return new Drop(id, lease.token(), lease.generation() - 1);
    }

    Lease newest() {
      return new Lease(token, generation == 0 ? Long.MAX_VALUE : generation, false);
    }
  }

  /** The coordinator asks what a member works on, and what it knows of requests. */
  record Hear() implements JobQuestion {}

  /** What a member has of a request. */
  record Find(String requestId) implements JobQuestion {}

  /** How jobs are now, each as {@code job.json}. */
  record Tell(String from, List<byte[]> jobs) implements JobQuestion {}

  /** A member wants to work on what it has a copy of. */
  record Claim(String from, Held held) implements JobQuestion {
    @Override
    public Level level() {
      return Level.CHANGE;
    }
  }

  /** A member has committed a job. */
  record Register(String from, long token, byte[] job) implements JobQuestion {
    @Override
    public Level level() {
      return Level.CHANGE;
    }
  }

  /** An upload goes on at another member: copy it there, and let it go. */
  record HandOver(String id, String to) implements JobQuestion {
    @Override
    public Level level() {
      return Level.CHANGE;
    }
  }

  /** A job shall stop. */
  record Cancel(String jobId) implements JobQuestion {
    @Override
    public Level level() {
      return Level.REPLICATE;
    }
  }

  /** Answer to {@link Offer} and {@link Append}: bytes of the copy's spool. */
  record Copied(long bytes) {}

  /**
   * Answer to {@link Tell}.
   *
   * @param refused ids of jobs that the member takes for its own
   */
  record Heeded(List<String> refused) {}

  /** Answer where nothing is to be said. */
  record Done() {}

  /**
   * Answer to {@link Hear}.
   *
   * @param owned what the member works on
   * @param requests job ids by request id
   */
  record Heard(List<Held> owned, Map<String, String> requests) {}

  /**
   * Answer to {@link Find}.
   *
   * @param owned an upload that the member works on; absent where it has none
   * @param copy one that it has a copy of
   * @param job absent where the request has made none that the member knows
   */
  record Found(List<Held> owned, List<Held> copy, List<byte[]> job) {
    static final Found NOTHING = new Found(List.of(), List.of(), List.of());
  }

  /**
   * Answer to {@link Claim}.
   *
   * @param token 0 where the claim is refused
   * @param drop whether the copy is of no use to anybody
   */
  record Claimed(long token, boolean drop) {
    static final Claimed DROP = new Claimed(0, true);
    static final Claimed NOT_NOW = new Claimed(0, false);

    static Claimed granted(long token) {
      return new Claimed(token, false);
    }
  }

  /** Answer to {@link Cancel}: the job, as {@code job.json}. */
  record Job(byte[] job) {}

  /** Answer to {@link Register}: the request's job. */
  record Registered(String jobId) {}
}
