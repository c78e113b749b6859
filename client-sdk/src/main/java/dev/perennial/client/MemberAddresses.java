package dev.perennial.client;

import io.grpc.Attributes;
import io.grpc.EquivalentAddressGroup;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Where the members are: one or several {@code host:port}, a name standing for all addresses that
 * it has. Immutable.
 */
record MemberAddresses(List<HostPort> places) {
  private static final Pattern PLACE =
      Pattern.compile("(\\[[0-9a-fA-F:.%]+\\]|[^:/\\[\\]\\s,]+):(\\d{1,5})");

  /** One place as it was written; an IPv6 address is in brackets. */
  record HostPort(String host, int port) {
    @Override
    public String toString() {
      return host + ":" + port;
    }
  }

  /** How names are looked up; a test has its own. */
  interface Lookup {
    /** All addresses, one or more. */
    List<InetAddress> addresses(String host) throws UnknownHostException;

    /** The JVM's, which remembers answers for 30 seconds unless it is told otherwise. */
    Lookup JVM = host -> List.of(InetAddress.getAllByName(host));
  }

  MemberAddresses {
    places = List.copyOf(places);
  }

  /** Whether that is written as {@code host:port,host:port}. */
  static boolean isList(String target) {
    return Stream.of(target.split(",", -1)).allMatch(part -> PLACE.matcher(part.strip()).matches());
  }

  /** Reads {@code host:port,host:port}. */
  static MemberAddresses parse(String target) {
    List<HostPort> places = new ArrayList<>();
    for (String part : target.split(",", -1)) {
      Matcher matcher = PLACE.matcher(part.strip());
      int port = matcher.matches() ? Integer.parseInt(matcher.group(2)) : 0;
      if (port < 1 || port > 65_535) {
        throw new IllegalArgumentException("target: " + part + " (expected: host:port)");
      }
      places.add(new HostPort(matcher.group(1), port));
    }
    return new MemberAddresses(places);
  }

  /**
   * Looks all of them up; one that cannot be found is left out while others can.
   *
   * @throws UnknownHostException where none can
   */
  List<EquivalentAddressGroup> resolve(Lookup lookup) throws UnknownHostException {
    List<EquivalentAddressGroup> members = new ArrayList<>();
    List<String> failures = new ArrayList<>();
    for (HostPort place : places) {
      try {
        members.addAll(members(place, lookup.addresses(place.host())));
      } catch (UnknownHostException e) {
        failures.add(place + ": no such host");
      }
    }
    if (members.isEmpty()) {
      throw new UnknownHostException(String.join("; ", failures));
    }
    return members;
  }

  /**
   * One server for each address. A name with one IPv4 and one IPv6 address is one server with two;
   * where there are more of both, those of the family that comes first are the servers.
   */
  private static List<EquivalentAddressGroup> members(HostPort place, List<InetAddress> found) {
    List<InetAddress> first = family(found, found.get(0) instanceof Inet4Address);
    List<InetAddress> other = family(found, !(found.get(0) instanceof Inet4Address));
    if (first.size() == 1 && other.size() == 1) {
      return List.of(group(place, List.of(first.get(0), other.get(0))));
    }
    return first.stream().map(address -> group(place, List.of(address))).toList();
  }

  private static List<InetAddress> family(List<InetAddress> addresses, boolean four) {
    return addresses.stream().filter(one -> one instanceof Inet4Address == four).toList();
  }

  private static EquivalentAddressGroup group(HostPort place, List<InetAddress> addresses) {
    List<SocketAddress> sockets =
        addresses.stream()
            .map(address -> (SocketAddress) new InetSocketAddress(address, place.port()))
            .toList();
    // A certificate is checked against the name that was written, each member's against its own.
    return new EquivalentAddressGroup(
        sockets,
        Attributes.newBuilder()
            .set(EquivalentAddressGroup.ATTR_AUTHORITY_OVERRIDE, place.toString())
            .build());
  }

  /** A member for people: 10.0.0.1:9090. */
  static String text(EquivalentAddressGroup member) {
    return member.getAddresses().stream()
        .map(MemberAddresses::text)
        .collect(Collectors.joining(","));
  }

  private static String text(SocketAddress address) {
    return address instanceof InetSocketAddress socket && socket.getAddress() != null
        ? socket.getAddress().getHostAddress() + ":" + socket.getPort()
        : address.toString();
  }

  @Override
  public String toString() {
    return places.stream().map(HostPort::toString).collect(Collectors.joining(","));
  }
}
