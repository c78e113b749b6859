package dev.perennial.server.cluster;

import java.util.List;

/**
 * The members as one of them sees them now. Immutable. The oldest coordinates: it alone decides
 * changes.
 *
 * @param self the member whose view it is
 * @param ids all of them, the oldest first; a member that comes back has a new id
 */
public record View(String self, List<String> ids) {
  public View {
    ids = List.copyOf(ids);
    if (!ids.contains(self)) {
      throw new IllegalArgumentException("members: " + ids + " (expected: " + self + " too)");
    }
  }

  public String coordinator() {
    return ids.get(0);
  }

  public boolean coordinates() {
    return coordinator().equals(self);
  }

  public List<String> others() {
    return ids.stream().filter(id -> !id.equals(self)).toList();
  }
}
