package dev.perennial.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.perennial.server.chaos.LocalCluster.Seat;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Machines on two networks, one for calls and one for the members' traffic: network namespaces with
 * a cable to each of two bridges. A machine's cable to the members' network can be pulled while it
 * still answers calls. Needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN) and {@code ip}; says so where
 * one is missing.
 */
final class Namespaces implements AutoCloseable {
  private static final String CALLS = "10.213.8.";
  private static final String MEMBERS = "10.213.7.";

  /** This run's names: an interface has at most 15 characters. */
  private final String run = "pn" + ProcessHandle.current().pid();

  private final List<String> names = new ArrayList<>();

  /** Machines 1 to n. */
  Namespaces(int machines) {
    boolean made = false;
    try {
      bridge(members());
      bridge(calls());
      ip("addr", "add", CALLS + "254/24", "dev", calls()); // the tests' own
      for (int i = 1; i <= machines; i++) {
        String name = run + "-" + i;
        ip("netns", "add", name);
        names.add(name);
        ip("-n", name, "link", "set", "lo", "up");
        cable(name, calls(), run + "c" + i, "calls", CALLS + i);
        cable(name, members(), run + "m" + i, "members", MEMBERS + i);
      }
      made = true;
    } finally {
      if (!made) {
        close();
      }
    }
  }

  private String calls() {
    return run + "cb";
  }

  private String members() {
    return run + "mb";
  }

  private static void bridge(String name) {
    ip("link", "add", name, "type", "bridge");
    ip("link", "set", name, "up");
  }

  private static void cable(
      String machine, String bridge, String end, String otherEnd, String address) {
    ip("link", "add", end, "type", "veth", "peer", "name", otherEnd, "netns", machine);
    ip("link", "set", end, "master", bridge, "up");
    ip("-n", machine, "addr", "add", address + "/24", "dev", otherEnd);
    ip("-n", machine, "link", "set", otherEnd, "up");
  }

  List<Seat> seats() {
    List<Seat> seats = new ArrayList<>();
    for (int i = 1; i <= names.size(); i++) {
      seats.add(new Seat(names.get(i - 1), CALLS + i, MEMBERS + i));
    }
    return seats;
  }

  /** Pulls a machine's cable to the others. */
  void cut(int machine) {
    ip("link", "set", run + "m" + machine, "nomaster");
  }

  void heal(int machine) {
    ip("link", "set", run + "m" + machine, "master", members());
  }

  private static void ip(String... arguments) {
    List<String> command = new ArrayList<>(List.of("ip"));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), UTF_8);
      if (process.waitFor() != 0) {
        throw missing(command + ": " + said.strip());
      }
    } catch (IOException e) {
      throw missing(command + ": " + e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private static AssertionError missing(String what) {
    return new AssertionError(
        what
            + " (expected: root, or CAP_NET_ADMIN and CAP_SYS_ADMIN, and iproute2's ip: this test"
            + " makes network namespaces)");
  }

  @Override
  public void close() {
    for (int i = 1; i <= names.size(); i++) {
      run("ip", "link", "del", run + "c" + i);
      run("ip", "link", "del", run + "m" + i);
      run("ip", "netns", "del", names.get(i - 1));
    }
    run("ip", "link", "del", members());
    run("ip", "link", "del", calls());
  }

  /** What is not there cannot be removed, and need not. */
  private static void run(String... command) {
    try {
      int unused =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
