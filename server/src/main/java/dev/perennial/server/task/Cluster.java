package dev.perennial.server.task;

/** The cluster as one member sees it; a server alone is a cluster of one. Safe for any thread. */
public interface Cluster {
  /** All members now; asks the others, and waits for them a moment. */
  ClusterView describe(boolean withVersions);

  /** Whether this member serves the cluster's pool as it should be. */
  boolean ready();

  /**
   * Calls, on another thread, whenever members, their pools, or this one's readiness have changed;
   * close the result to stop.
   */
  AutoCloseable listen(Runnable changed);
}
