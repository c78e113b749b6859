package dev.perennial.server.training;

import java.util.Comparator;

/**
 * By what right a member works on a job or an upload. Immutable.
 *
 * @param token grows with every change of owner: a fencing token
 * @param generation grows with every change of the member that keeps the copy
 * @param registered whether the coordinator knows the job as its request's
 */
public record Lease(long token, long generation, boolean registered) {
  /** Of what was made by a server alone. */
  static final Lease NONE = new Lease(0, 0, false);

  /** Newer copies come later. */
  public static final Comparator<Lease> AGE =
      Comparator.comparingLong(Lease::token).thenComparingLong(Lease::generation);

  public Lease withToken(long granted) {
    return new Lease(granted, generation, registered);
  }

  public Lease nextGeneration() {
    return new Lease(token, generation + 1, registered);
  }

  public Lease asRegistered() {
    return new Lease(token, generation, true);
  }
}
