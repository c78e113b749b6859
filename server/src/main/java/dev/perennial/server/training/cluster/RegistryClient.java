package dev.perennial.server.training.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.training.LocalJobs.Held;
import java.time.Duration;

/**
 * The registry of whichever member coordinates now: this one's, or another's by a call. Every
 * method waits for it, and throws UNAVAILABLE where it does not answer; no lock that a READ answer
 * needs may be held. Safe for any thread.
 */
final class RegistryClient {
  private static final Duration ANSWER = Duration.ofSeconds(30);

  private final Channel<JobQuestion> members;
  private final JobRegistry here;

  RegistryClient(Channel<JobQuestion> members, JobRegistry here) {
    this.members = members;
    this.here = here;
  }

  JobQuestion.Claimed claim(Held held) {
    View view = members.view();
    JobQuestion.Claim claim = new JobQuestion.Claim(view.self(), held);
    return view.coordinates()
        ? here.claim(claim)
        : members.ask(view.coordinator(), claim, JobQuestion.Claimed.class, ANSWER);
  }

  /**
   * @param job as {@code job.json}
   */
  JobQuestion.Registered register(long token, byte[] job) {
    View view = members.view();
    JobQuestion.Register register = new JobQuestion.Register(view.self(), token, job);
    return view.coordinates()
        ? here.register(register)
        : members.ask(view.coordinator(), register, JobQuestion.Registered.class, ANSWER);
  }
}
