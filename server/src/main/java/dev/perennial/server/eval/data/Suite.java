package dev.perennial.server.eval.data;

import java.util.List;

/** Tasks of one benchmark. Used by one thread; its pictures by any. */
public interface Suite {
  /** Short, for reports: {@code mini-mtil}. */
  String name();

  /** Names of the tasks, in the suite's own order. */
  List<String> tasks();

  /**
   * One task's classes and pictures. The test pictures are the same for all shots and seeds.
   *
   * @param shots training pictures of each class; 0 means all
   * @param seed which training pictures
   * @throws dev.perennial.server.error.ServingException INVALID_ARGUMENT where there is no such
   *     task or shots are negative; FAILED_PRECONDITION where files are missing, DATA_LOSS where
   *     they are damaged
   */
  TaskData task(String name, int shots, long seed);
}
