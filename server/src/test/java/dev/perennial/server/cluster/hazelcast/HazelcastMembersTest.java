package dev.perennial.server.cluster.hazelcast;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.perennial.server.chaos.LocalCluster;
import dev.perennial.server.cluster.Members.Level;
import dev.perennial.server.cluster.Members.Topic;
import dev.perennial.server.cluster.Wire;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class HazelcastMembersTest {
  private static final Identity IDENTITY = new Identity("f00d", "1.0.0", Wire.FORMAT);

  /** As a process that stands still: the system accepts for it, and it never says anything. */
  @Test
  void ask_whileAnAddressIsSilent_theOthersStillTalk() throws Exception {
    int first = LocalCluster.freePort();
    int second = LocalCluster.freePort();
    int silent = LocalCluster.freePort();
    List<String> all = List.of(address(first), address(second), address(silent));
    try (HazelcastMembers one = HazelcastMembers.join(config(first, all), IDENTITY);
        HazelcastMembers other = HazelcastMembers.join(config(second, all), IDENTITY);
        ServerSocket standing = new ServerSocket(silent, 50, InetAddress.getLoopbackAddress())) {
      while (one.view().ids().size() < 2) {
        Thread.onSpinWait();
      }
      try (Socket connected = standing.accept()) { // the oldest looks for others again and again
        assertTrue(connected.isConnected());
        other.serve(Topic.POOL, bytes -> bytes);
        byte[] question = new byte[4 << 20]; // more than a socket takes at once
        question[question.length - 1] = 7;
        byte[] answer =
            one.ask(other.view().self(), Topic.POOL, Level.READ, question)
                .get(60, TimeUnit.SECONDS);
        assertEquals(7, answer[answer.length - 1]);
      }
    }
  }

  private static ClusterConfig config(int port, List<String> addresses) {
    return new ClusterConfig(
        "test",
        "at " + port,
        "127.0.0.1",
        null,
        port,
        new ClusterConfig.Join.Addresses(addresses),
        1,
        Duration.ofSeconds(10),
        Duration.ofSeconds(1));
  }

  private static String address(int port) {
    return "127.0.0.1:" + port;
  }
}
