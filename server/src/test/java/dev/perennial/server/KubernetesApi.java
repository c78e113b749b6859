package dev.perennial.server;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.List;

/**
 * What members ask of a Kubernetes API server: the endpoint slices of one headless service, in the
 * form of {@code discovery.k8s.io/v1} as its reference has it. Over TLS, with a token; what an
 * account without rights is answered, too.
 */
final class KubernetesApi implements AutoCloseable {
  static final String NAMESPACE = "vision";
  static final String SERVICE = "perennial";

  private static final String SLICES =
      "/apis/discovery.k8s.io/v1/namespaces/" + NAMESPACE + "/endpointslices";
  private static final String TOKEN = "eyJhbGciOiJSUzI1NiJ9.account.signature";

  private final HttpsServer server;
  private final Path certificate;

  private volatile List<String> pods = List.of();
  private volatile boolean allowed = true;

  KubernetesApi(Path directory) throws IOException, GeneralSecurityException, InterruptedException {
    TestCertificate made = TestCertificate.create(directory, "ip:127.0.0.1");
    certificate = made.files().certificate();
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 16);
    server.setHttpsConfigurator(new HttpsConfigurator(made.context()));
    server.createContext("/", this::answer);
    server.start();
  }

  /** From now on, the service has these pods, by their addresses. */
  void pods(String... addresses) {
    pods = List.of(addresses);
  }

  /** From now on, the account may not list anything: a missing role binding. */
  void forbid() {
    allowed = false;
  }

  /** What a member outside of a pod has to be told; within one it is mounted. */
  List<String> jvmOptions() throws IOException {
    return List.of(
        "-Dhazelcast.kubernetes.kubernetes-master=https://127.0.0.1:"
            + server.getAddress().getPort(),
        "-Dhazelcast.kubernetes.api-token=" + TOKEN,
        "-Dhazelcast.kubernetes.ca-certificate=" + Files.readString(certificate));
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String query = exchange.getRequestURI().getQuery();
    String token = exchange.getRequestHeaders().getFirst("Authorization");
    int code;
    JsonObject body;
    if (!("Bearer " + TOKEN).equals(token)) {
      code = 401;
      body = status(code, "Unauthorized");
    } else if (!allowed) {
      code = 403;
      body = status(code, "Forbidden");
    } else if (!path.equals(SLICES)) {
      code = 404;
      body = status(code, "NotFound");
    } else {
      code = 200;
      body =
          slices(
              query == null || query.equals("labelSelector=kubernetes.io/service-name=" + SERVICE));
    }
    byte[] bytes = body.toString().getBytes(UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(code, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private static JsonObject status(int code, String reason) {
    JsonObject status = new JsonObject();
    status.addProperty("kind", "Status");
    status.addProperty("apiVersion", "v1");
    status.add("metadata", new JsonObject());
    status.addProperty("status", "Failure");
    status.addProperty("message", "refused");
    status.addProperty("reason", reason);
    status.addProperty("code", code);
    return status;
  }

  private JsonObject slices(boolean ours) {
    JsonObject list = new JsonObject();
    list.addProperty("kind", "EndpointSliceList");
    list.addProperty("apiVersion", "discovery.k8s.io/v1");
    JsonObject metadata = new JsonObject();
    metadata.addProperty("resourceVersion", "4711");
    list.add("metadata", metadata);
    JsonArray items = new JsonArray();
    if (ours) {
      items.add(slice());
    }
    list.add("items", items);
    return list;
  }

  private JsonObject slice() {
    JsonObject labels = new JsonObject();
    labels.addProperty("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io");
    labels.addProperty("kubernetes.io/service-name", SERVICE);
    JsonObject metadata = new JsonObject();
    metadata.addProperty("name", SERVICE + "-x7k2p");
    metadata.addProperty("namespace", NAMESPACE);
    metadata.add("labels", labels);
    JsonArray endpoints = new JsonArray();
    for (String address : pods) {
      endpoints.add(endpoint(address));
    }
    JsonObject port = new JsonObject();
    port.addProperty("name", "members");
    port.addProperty("protocol", "TCP");
    port.addProperty("port", 5701);
    JsonArray ports = new JsonArray();
    ports.add(port);
    JsonObject slice = new JsonObject();
    slice.add("metadata", metadata);
    slice.addProperty("addressType", "IPv4");
    slice.add("endpoints", endpoints);
    slice.add("ports", ports);
    return slice;
  }

  /** Not ready: a member listens for calls only once it has caught up. */
  private static JsonObject endpoint(String address) {
    JsonArray addresses = new JsonArray();
    addresses.add(address);
    JsonObject conditions = new JsonObject();
    conditions.addProperty("ready", false);
    conditions.addProperty("serving", false);
    conditions.addProperty("terminating", false);
    JsonObject target = new JsonObject();
    target.addProperty("kind", "Pod");
    target.addProperty("namespace", NAMESPACE);
    target.addProperty("name", "pod-" + address);
    JsonObject endpoint = new JsonObject();
    endpoint.add("addresses", addresses);
    endpoint.add("conditions", conditions);
    endpoint.addProperty("nodeName", "node-1");
    endpoint.add("targetRef", target);
    return endpoint;
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
