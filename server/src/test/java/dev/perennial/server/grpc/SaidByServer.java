package dev.perennial.server.grpc;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.LoggerFactory;

/** What is logged while it is open. */
final class SaidByServer extends AppenderBase<ILoggingEvent> implements AutoCloseable {
  private final Queue<ILoggingEvent> events = new ConcurrentLinkedQueue<>();

  private SaidByServer() {}

  private static Logger root() {
    return (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
  }

  static SaidByServer listen() {
    SaidByServer said = new SaidByServer();
    said.start();
    root().addAppender(said);
    return said;
  }

  @Override
  protected void append(ILoggingEvent event) {
    events.add(event);
  }

  /** Warnings and errors, and what was thrown; but for Vert.x's of a machine that is too busy. */
  List<String> failures() {
    return events.stream()
        .filter(event -> !event.getLoggerName().endsWith("BlockedThreadChecker"))
        .filter(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
        .map(
            event ->
                event.getFormattedMessage()
                    + (event.getThrowableProxy() == null
                        ? ""
                        : ": " + event.getThrowableProxy().getMessage()))
        .toList();
  }

  @Override
  public void close() {
    root().detachAppender(this);
  }
}
