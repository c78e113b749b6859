package dev.perennial.server.task.cluster;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Members that do not read what they are asked until they are thawed. Safe for any thread. */
final class FrozenMembers {
  /** What each of them has yet to read. */
  @GuardedBy("this")
  private final Map<String, List<Runnable>> unread = new HashMap<>();

  synchronized void freeze(String member) {
    unread.computeIfAbsent(member, any -> new ArrayList<>());
  }

  /** It goes on with what it was asked meanwhile, all at once. */
  void thaw(String member) {
    List<Runnable> work;
    synchronized (this) {
      work = unread.containsKey(member) ? unread.remove(member) : List.of();
    }
    for (Runnable question : work) {
      Thread thread = new Thread(question, "thawed");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /** Keeps a question for later; false where the member is not frozen. */
  synchronized boolean keeps(String member, Runnable question) {
    List<Runnable> questions = unread.get(member);
    return questions != null && questions.add(question);
  }
}
