package dev.perennial.server.task.cluster;

import dev.perennial.server.cluster.Members.Level;
import dev.perennial.server.cluster.Question;
import dev.perennial.server.cluster.Wire;
import dev.perennial.server.task.Fence;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.PoolChange;
import java.util.List;
import java.util.Map;

/** What members say to each other about the pool. */
sealed interface Request extends Question {
  Wire<Request> WIRE =
      new Wire<>(
          List.of(
              State.class,
              Fetch.class,
              Describe.class,
              Prepare.class,
              Release.class,
              Install.class,
              Unready.class,
              Apply.class));

  /** The coordinator asks for a member's manifest; from now on the member takes its manifests. */
  record State(String from) implements Request {
    @Override
    public Level level() {
      return Level.READ;
    }
  }

  /** A part of a version's bytes, from the offset. */
  record Fetch(String versionId, long offset) implements Request {
    @Override
    public Level level() {
      return Level.READ;
    }
  }

  /** What a member says of itself. */
  record Describe(boolean withVersions) implements Request {
    @Override
    public Level level() {
      return Level.READ;
    }
  }

  /** Store these versions durably, for a manifest to come. The holders have them. */
  record Prepare(List<String> versionIds, List<String> holders) implements Request {
    @Override
    public Level level() {
      return Level.REPLICATE;
    }
  }

  /** These versions will be in no manifest after all. */
  record Release(List<String> versionIds) implements Request {
    @Override
    public Level level() {
      return Level.READ;
    }
  }

  /**
   * The manifest as the coordinator has decided it.
   *
   * @param settles whether the coordinator counts the member from then on, so that it is ready; if
   *     not, it only loads what takes long
   */
  record Install(String from, Manifest manifest, List<String> holders, boolean settles)
      implements Request {
    @Override
    public Level level() {
      return Level.REPLICATE;
    }
  }

  /** A member tells the coordinator that it is not ready, and is to be heard anew. */
  record Unready(String from) implements Request {
    @Override
    public Level level() {
      return Level.READ;
    }
  }

  /** Answer to {@link Unready} and {@link Release}. */
  record Noted() {}

  /**
   * A change that a member wants of the coordinator.
   *
   * @param versionId or a contribution's id; empty where a task is deleted
   * @param fence whose change it is
   */
  record Apply(String from, Kind kind, String task, String versionId, Fence fence)
      implements Request {
    enum Kind {
      PUBLISH,
      ACTIVATE,
      DELETE,
      CONTRIBUTE,
      WITHDRAW;

      /** Whether the member that asks has stored a file for it. */
      boolean bringsFile() {
        return this == PUBLISH || this == CONTRIBUTE;
      }

      /** Whether a second try finds nothing once the first has worked. */
      boolean removes() {
        return this == DELETE || this == WITHDRAW;
      }

      /** Whether there is something that it would remove. */
      boolean finds(Manifest manifest, String task, String fileId) {
        return this == DELETE
            ? manifest.tasks().containsKey(task)
            : manifest.contributionsTo(task).contains(fileId);
      }

      /** Whether a manifest can be one that has seen the change; the file may be gone again. */
      boolean isIn(Manifest manifest, String task, String fileId) {
        return removes()
            || manifest.tasks().getOrDefault(task, Map.of()).containsKey(fileId)
            || manifest.contributionsTo(task).contains(fileId)
            || manifest.forgotten().containsKey(fileId);
      }
    }

    private boolean ofJob() {
      return !fence.equals(Fence.NONE);
    }

    PoolChange change() {
      return switch (kind) {
        case PUBLISH -> new PoolChange.Publish(task, versionId, ofJob());
        case ACTIVATE -> new PoolChange.Activate(task, versionId);
        case DELETE -> new PoolChange.Delete(task);
        case CONTRIBUTE -> new PoolChange.Contribute(task, versionId, ofJob());
        case WITHDRAW -> new PoolChange.Withdraw(task, versionId);
      };
    }

    @Override
    public Level level() {
      return Level.CHANGE;
    }
  }

  /** Answer to {@link Prepare}: versions that are still to be fetched; ask again. */
  record Prepared(int remaining) {}

  /**
   * Answer to {@link Install}: the manifest that the member has now, durably. It is installed where
   * it equals the one that was sent.
   *
   * @param remaining versions that are still to be fetched; ask again
   */
  record Installed(Manifest manifest, int remaining) {}

  /** Answer to {@link Apply}: the epoch from which on the change holds. */
  record Applied(long epoch) {}
}
