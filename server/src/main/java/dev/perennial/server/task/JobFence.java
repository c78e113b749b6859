package dev.perennial.server.task;

/** Who knows which member owns a job. Safe for any thread. */
public interface JobFence {
  /** Nobody owns anything. */
  JobFence NONE =
      new JobFence() {
        @Override
        public void require(Fence fence, String from) {}

        @Override
        public long takeovers() {
          return 0;
        }

        @Override
        public long rejected() {
          return 0;
        }
      };

  /** Throws UNAVAILABLE (STALE_OWNER) where a job is not, or no longer, that member's. */
  void require(Fence fence, String from);

  /** Jobs that went on at another member, by this one's decision. */
  long takeovers();

  /** Changes that were refused here. */
  long rejected();
}
