package dev.perennial.server.cli;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/**
 * What became of the counted requests. Latencies count from the time at which a request was due,
 * and are those of answered requests, late ones included.
 *
 * @param seconds from the first counted arrival to the last end, at least the planned duration
 * @param onTime answered within the deadline
 * @param rejected RESOURCE_EXHAUSTED or UNAVAILABLE, after the client's retries
 * @param expired DEADLINE_EXCEEDED
 * @param failures other failures by code
 * @param throughput answers a second
 * @param goodput answers within the deadline a second
 */
record LoadReport(
    double rate,
    double seconds,
    double deadlineMillis,
    long sent,
    long answered,
    long onTime,
    long rejected,
    long expired,
    Map<String, Long> failures,
    double throughput,
    double goodput,
    double p50Millis,
    double p95Millis,
    double p99Millis,
    double maxMillis) {

  /** For programs. */
  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("rate", rate);
    json.put("seconds", seconds);
    json.put("deadline_ms", deadlineMillis);
    json.put("sent", sent);
    json.put("answered", answered);
    json.put("on_time", onTime);
    json.put("rejected", rejected);
    json.put("expired", expired);
    json.put("failures", failures);
    json.put("throughput", throughput);
    json.put("goodput", goodput);
    json.put("p50_ms", p50Millis);
    json.put("p95_ms", p95Millis);
    json.put("p99_ms", p99Millis);
    json.put("max_ms", maxMillis);
    return json;
  }

  /** For people. */
  String table() {
    StringBuilder text = new StringBuilder();
    line(text, "offered", "%.1f images/s, %d sent in %.1f s", rate, sent, seconds);
    line(text, "throughput", "%.1f images/s, %d answered", throughput, answered);
    line(text, "goodput", "%.1f images/s, %d within %.0f ms", goodput, onTime, deadlineMillis);
    line(
        text,
        "latency",
        "p50 %.2f ms  p95 %.2f ms  p99 %.2f ms  max %.2f ms",
        p50Millis,
        p95Millis,
        p99Millis,
        maxMillis);
    line(text, "not answered", "%d rejected, %d expired, failed: %s", rejected, expired, failures);
    return text.toString();
  }

  private static void line(StringBuilder text, String name, String format, Object... values) {
    text.append(String.format(Locale.ROOT, "  %-13s ", name))
        .append(String.format(Locale.ROOT, format, values))
        .append(System.lineSeparator());
  }
}
