package dev.perennial.server.task.cluster;

import dev.perennial.server.cluster.Channel;
import dev.perennial.server.cluster.View;
import dev.perennial.server.error.ServingException;
import dev.perennial.server.task.Manifest;
import dev.perennial.server.task.TaskPool;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What takes long about a member that is new or was away, done before anybody waits for it: files
 * that only that member has are fetched, those that it lacks are stored there, and it loads them.
 * Safe for any thread.
 */
final class CatchUp {
  private static final Logger LOG = LoggerFactory.getLogger(CatchUp.class);

  /** Times the longest wait of a change, for which a member may load what it was sent. */
  private static final int MAX_LOADS = 10;

  private final TaskPool pool;
  private final Channel<Request> members;
  private final Replica replica;
  private final ClusterOptions options;

  CatchUp(TaskPool pool, Channel<Request> members, Replica replica, ClusterOptions options) {
    this.pool = pool;
    this.members = members;
    this.replica = replica;
    this.options = options;
  }

  /**
   * Throws where the member is silent or gone, or where something is not to be had.
   *
   * @param member this one, too: then it has only to fetch
   */
  void exchange(String member, Manifest decided) {
    View view = members.view();
    if (member.equals(view.self())) {
      fetch(decided, view.others());
      return;
    }
    Manifest theirs =
        members.ask(member, new Request.State(view.self()), Manifest.class, options.answer());
    List<String> holders = new ArrayList<>(List.of(member));
    holders.addAll(view.ids());
    fetch(theirs.union(decided), holders);
    List<String> ours = new ArrayList<>(decided.fileIds());
    ours.removeAll(theirs.fileIds());
    Request.Prepare prepare = new Request.Prepare(ours, view.ids());
    int left;
    do {
      left = members.ask(member, prepare, Request.Prepared.class, options.answer()).remaining();
      if (left > 0) {
        LOG.info("member {} is catching up: {} versions to go", member, left);
      }
    } while (left > 0);
    load(view, member, decided);
  }

  private void fetch(Manifest all, List<String> holders) {
    try {
      int left;
      do {
        left = replica.hold(pool.missing(all), holders);
      } while (left > 0);
    } catch (ServingException e) {
      if (!Replica.isOfThisDisk(e)) {
        throw e;
      }
      LOG.debug("this disk does not take what others have", e); // readiness says so, once
    }
  }

  /** A decided manifest: the member takes it where it knows nothing more, however long that is. */
  private void load(View view, String member, Manifest decided) {
    Request.Install install = new Request.Install(view.self(), decided, view.ids(), false);
    for (int i = 0; i < MAX_LOADS && members.view().ids().contains(member); i++) {
      try {
        members.ask(member, install, Request.Installed.class, options.change());
        return;
      } catch (ServingException e) {
        LOG.info("member {} is loading {}: {}", member, decided.epoch(), e.getMessage());
      }
    }
  }
}
