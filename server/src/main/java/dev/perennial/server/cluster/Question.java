package dev.perennial.server.cluster;

/** What one member asks of another: a record whose fields JSON can hold. */
public interface Question {
  Members.Level level();
}
