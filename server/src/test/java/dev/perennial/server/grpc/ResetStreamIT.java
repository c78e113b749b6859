package dev.perennial.server.grpc;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A client that asks and resets its stream in one breath, over a bare socket: no client library
 * lets a test choose which frames arrive together.
 */
class ResetStreamIT {
  private static final int DATA = 0;
  private static final int HEADERS = 1;
  private static final int RST_STREAM = 3;
  private static final int SETTINGS = 4;
  private static final int PING = 6;
  private static final int ACK = 1;
  private static final int END_STREAM = 1;
  private static final int END_HEADERS = 4;
  private static final byte[] CANCEL = {0, 0, 0, 8};

  /** A gRPC message of two bytes: list_services, empty. */
  private static final byte[] LIST_SERVICES = {0, 0, 0, 0, 2, 0x3a, 0};

  private static final int FRAME_HEADER_BYTES = 9;

  private final HealthService health = new HealthService(Set.of("test.Service"));
  private GrpcEndpoint endpoint;

  @BeforeEach
  void start() {
    endpoint =
        new GrpcEndpoint(
            GrpcConfig.DEFAULT.at("127.0.0.1", 0),
            new ReflectionService(List.of()).methods(),
            health,
            new CompletableFuture<>());
    endpoint.start();
  }

  @AfterEach
  void stop() {
    endpoint.close();
  }

  @Test
  void reset_withTheAnswerNotYetFlushed_leavesTheConnectionAlone() throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), endpoint.port())) {
      socket.setSoTimeout(30_000);
      OutputStream out = socket.getOutputStream();
      DataInputStream in = new DataInputStream(socket.getInputStream());
      out.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
      out.write(frame(SETTINGS, 0, 0, new byte[0]));
      out.write(frame(SETTINGS, ACK, 0, new byte[0]));
      for (int i = 0; i < 50; i++) {
        int stream = 2 * i + 1;
        byte[] ping = ByteBuffer.allocate(8).putLong(i).array();
        ByteArrayOutputStream breath = new ByteArrayOutputStream();
        breath.write(frame(HEADERS, END_HEADERS, stream, headers()));
        breath.write(frame(DATA, END_STREAM, stream, LIST_SERVICES));
        breath.write(frame(RST_STREAM, 0, stream, CANCEL));
        breath.write(frame(PING, 0, 0, ping));
        out.write(breath.toByteArray());
        assertArrayEquals(ping, nextPong(in));
      }
    }
  }

  /** Reads frames up to the answer to a ping; an ended connection is an EOFException. */
  private static byte[] nextPong(DataInputStream in) throws IOException {
    while (true) {
      byte[] header = in.readNBytes(FRAME_HEADER_BYTES);
      assertEquals(FRAME_HEADER_BYTES, header.length, "the connection was closed");
      int length = (header[0] & 0xff) << 16 | (header[1] & 0xff) << 8 | (header[2] & 0xff);
      byte[] payload = in.readNBytes(length);
      if (header[3] == PING && header[4] == ACK) {
        return payload;
      }
    }
  }

  private static byte[] frame(int type, int flags, int stream, byte[] payload) {
    return ByteBuffer.allocate(FRAME_HEADER_BYTES + payload.length)
        .put((byte) (payload.length >> 16))
        .putShort((short) payload.length)
        .put((byte) type)
        .put((byte) flags)
        .putInt(stream)
        .put(payload)
        .array();
  }

  /** HPACK: literals without indexing. */
  private static byte[] headers() {
    ByteArrayOutputStream block = new ByteArrayOutputStream();
    literal(block, ":method", "POST");
    literal(block, ":scheme", "http");
    literal(block, ":path", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
    literal(block, ":authority", "localhost");
    literal(block, "content-type", "application/grpc");
    literal(block, "te", "trailers");
    return block.toByteArray();
  }

  private static void literal(ByteArrayOutputStream block, String name, String value) {
    block.write(0);
    for (String text : new String[] {name, value}) {
      block.write(text.length());
      block.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
    }
  }
}
