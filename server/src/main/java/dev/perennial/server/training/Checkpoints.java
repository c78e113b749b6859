package dev.perennial.server.training;

import java.util.Optional;

/** Where a training run leaves its last whole epoch, and finds it again. */
interface Checkpoints {

  /** A run that nothing is kept of. */
  Checkpoints NONE =
      new Checkpoints() {
        @Override
        public Optional<Checkpoint> load() {
          return Optional.empty();
        }

        @Override
        public void save(Checkpoint checkpoint) {}
      };

  /** Empty where there is none that can be used. */
  Optional<Checkpoint> load();

  /** Never throws: without a checkpoint a restart costs time and nothing else. */
  void save(Checkpoint checkpoint);
}
