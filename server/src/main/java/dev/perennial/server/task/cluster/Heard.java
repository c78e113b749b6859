package dev.perennial.server.task.cluster;

import dev.perennial.server.cluster.View;
import dev.perennial.server.task.Manifest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the coordinator knows of the other members. Used under its lock, but for {@link #askedFor}.
 */
final class Heard {
  /** Members that want to be heard anew. */
  private final Set<String> asked = ConcurrentHashMap.newKeySet();

  /** Members whose state is part of what is decided. */
  private final Set<String> heard = new HashSet<>();

  /** Members that have caught up: changes go to them, and are counted there. */
  private final Set<String> settled = new HashSet<>();

  /** Settled members that did not answer in time; all that they may have was decided. */
  private final Set<String> silent = new HashSet<>();

  /** The manifest that each of them was told, and has. */
  private final Map<String, Manifest> has = new HashMap<>();

  /** All of it may be wrong. */
  void forget() {
    heard.clear();
    settled.clear();
    silent.clear();
    has.clear();
  }

  /** Whether somebody of these is not in the view any more. */
  boolean someLeft(View view) {
    return !view.ids().containsAll(heard) || !view.ids().containsAll(settled);
  }

  void retain(View view) {
    asked.retainAll(view.ids());
    heard.retainAll(view.ids());
    settled.retainAll(view.ids());
    silent.retainAll(view.ids());
    has.keySet().retainAll(view.ids());
  }

  /** A member is not ready, whatever is known of it here. Safe for any thread. */
  void askedFor(String member) {
    asked.add(member);
  }

  /** It is heard now; what it asked for before that is done. */
  void hears(String member) {
    asked.remove(member);
  }

  /** Its state is known; it is told the manifest even where it has it, to know that it does. */
  void heard(String member) {
    heard.add(member);
    silent.remove(member);
    has.remove(member);
  }

  /** What it has is not known any more, and may be more than was decided. */
  void lost(String member) {
    heard.remove(member);
    silent.remove(member);
  }

  /** It does not answer; what it has may be less than was decided, but not more. */
  void silent(String member) {
    heard.remove(member);
    silent.add(member);
  }

  boolean knows(String member) {
    return heard.contains(member);
  }

  /** Whether its state is known, and it says nothing else itself. */
  boolean isContent(String member) {
    return heard.contains(member) && !asked.contains(member);
  }

  void settle(String member) {
    settled.add(member);
  }

  /** It has the manifest on its disk, and counts. */
  void settle(String member, Manifest manifest) {
    settled.add(member);
    has.put(member, manifest);
  }

  /** In no order. */
  List<String> settled() {
    return List.copyOf(settled);
  }

  /** Settled members that answer, in no order: those that a change is brought to. */
  List<String> listening() {
    return settled.stream().filter(heard::contains).toList();
  }

  /**
   * Settled members that have to be heard before a change.
   *
   * @param needed of them have to listen; where fewer do, the silent ones are waited for, too
   */
  List<String> toBeHeard(int needed) {
    boolean all = listening().size() < needed;
    return settled.stream()
        .filter(member -> !heard.contains(member) && (all || !silent.contains(member)))
        .toList();
  }

  /** Settled members that are known to have the manifest. */
  int having(Manifest manifest) {
    return (int) settled.stream().filter(member -> manifest.equals(has.get(member))).count();
  }

  /** Members that were heard, and are to be told the manifest. */
  List<String> behind(Manifest manifest) {
    List<String> behind = new ArrayList<>();
    for (String member : heard) {
      if (!settled.contains(member) || !manifest.equals(has.get(member))) {
        behind.add(member);
      }
    }
    return behind;
  }
}
