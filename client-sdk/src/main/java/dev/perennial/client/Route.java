package dev.perennial.client;

import io.grpc.CallOptions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The way of one attempt of a call: which members it had better not go to, which one it went to,
 * and how many others could have been taken. Travels in the call's options; the balancer fills it
 * in. Safe for any thread.
 */
final class Route {
  static final CallOptions.Key<@Nullable Route> KEY = CallOptions.Key.create("perennial-route");

  private final Set<String> avoided;
  private final Runnable memberLeft;
  private volatile @Nullable String address;
  private volatile int alternatives;

  /**
   * @param avoided addresses that are taken only where there is no other
   * @param memberLeft called, on a thread that must not be held, when the member that was taken
   *     gets no new calls any more while others do
   */
  Route(Set<String> avoided, Runnable memberLeft) {
    this.avoided = Set.copyOf(avoided);
    this.memberLeft = memberLeft;
  }

  Route(Set<String> avoided) {
    this(avoided, () -> {});
  }

  Set<String> avoided() {
    return avoided;
  }

  void taken(String member, int others) {
    alternatives = others;
    address = member;
  }

  void memberLeft() {
    memberLeft.run();
  }

  /** The member that was taken; null where none was there, or none yet. */
  @Nullable String address() {
    return address;
  }

  /** Members, neither taken nor to be avoided, that serve as well. */
  int alternatives() {
    return alternatives;
  }
}
