package dev.perennial.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.grpc.EquivalentAddressGroup;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MemberAddressesTest {
  private final Map<String, List<InetAddress>> names = new HashMap<>();

  private List<String> resolve(String target) throws UnknownHostException {
    return MemberAddresses.parse(target).resolve(this::lookUp).stream()
        .map(MemberAddresses::text)
        .toList();
  }

  private List<InetAddress> lookUp(String host) throws UnknownHostException {
    List<InetAddress> found = names.get(host);
    if (found == null) {
      throw new UnknownHostException(host);
    }
    return found;
  }

  private static InetAddress address(int... bytes) throws UnknownHostException {
    byte[] raw = new byte[bytes.length];
    for (int i = 0; i < raw.length; i++) {
      raw[i] = (byte) bytes[i];
    }
    return InetAddress.getByAddress(raw);
  }

  private static InetAddress six(int last) throws UnknownHostException {
    return address(0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last);
  }

  @Test
  void isList_hostsWithPorts() {
    assertTrue(MemberAddresses.isList("a:1"));
    assertTrue(MemberAddresses.isList("10.0.0.1:9090, [::1]:9091,name.svc:80"));
    assertFalse(MemberAddresses.isList("dns:///a:1"));
    assertFalse(MemberAddresses.isList("unix:/run/x"));
    assertFalse(MemberAddresses.isList("a"));
    assertFalse(MemberAddresses.isList("a:1,"));
  }

  @Test
  void parse_wrongPort_isRefused() {
    for (String target : List.of("a:0", "a:65536", "a:1,b")) {
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> MemberAddresses.parse(target));
      assertTrue(e.toString().contains("(expected: host:port)"), e.toString());
    }
    assertEquals("[::1]:5,b:6", MemberAddresses.parse("[::1]:5, b:6").toString());
  }

  @Test
  void resolve_nameWithSeveralAddresses_isAMemberEach() throws UnknownHostException {
    names.put("pool", List.of(address(10, 0, 0, 1), address(10, 0, 0, 2)));
    names.put("one", List.of(address(10, 0, 0, 9)));
    assertEquals(List.of("10.0.0.1:80", "10.0.0.2:80", "10.0.0.9:81"), resolve("pool:80,one:81"));
  }

  @Test
  void resolve_bothFamilies_isOneMemberWhereThereIsOneOfEach() throws UnknownHostException {
    names.put("localhost", List.of(address(127, 0, 0, 1), six(1)));
    assertEquals(1, resolve("localhost:80").size());
    names.put("pool", List.of(six(1), six(2), address(10, 0, 0, 1), address(10, 0, 0, 2)));
    assertEquals(List.of("fd00:0:0:0:0:0:0:1:80", "fd00:0:0:0:0:0:0:2:80"), resolve("pool:80"));
  }

  @Test
  void resolve_unknownName_isLeftOutUnlessAllAre() throws UnknownHostException {
    names.put("a", List.of(address(10, 0, 0, 1)));
    assertEquals(List.of("10.0.0.1:1"), resolve("a:1,b:2"));
    UnknownHostException e = assertThrows(UnknownHostException.class, () -> resolve("b:2,c:3"));
    assertEquals("b:2: no such host; c:3: no such host", e.getMessage());
  }

  @Test
  void resolve_certificate_isCheckedAgainstTheNameThatWasWritten() throws UnknownHostException {
    names.put("a", List.of(address(10, 0, 0, 1)));
    EquivalentAddressGroup member = MemberAddresses.parse("a:1").resolve(this::lookUp).get(0);
    assertEquals("a:1", member.getAttributes().get(EquivalentAddressGroup.ATTR_AUTHORITY_OVERRIDE));
  }
}
