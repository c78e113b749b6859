package dev.perennial.server.grpc;

import com.google.protobuf.UnsafeByteOperations;
import dev.perennial.v1.ExportTaskRequest;
import dev.perennial.v1.ExportTaskResponse;
import dev.perennial.v1.TaskFileHeader;
import java.nio.ByteBuffer;

/**
 * A version's file on its way to a client: as many chunks as the client takes. Owned by the call's
 * event loop; closing it gives its bytes back, from any thread.
 */
final class TaskExport implements AutoCloseable {
  /** Small enough for any client's bound of a message. */
  static final int CHUNK_BYTES = 256 << 10;

  private final TaskFileHeader header;
  private final ByteBuffer left;
  private final ByteBudget.Lease lease;

  /** Takes the lease over. */
  TaskExport(TaskFileHeader header, ByteBuffer bytes, ByteBudget.Lease lease) {
    this.header = header;
    this.left = bytes.duplicate();
    this.lease = lease;
  }

  /** Sends everything, then ends the call. */
  void start(Call<ExportTaskRequest, ExportTaskResponse> call) {
    call.write(ExportTaskResponse.newBuilder().setHeader(header).build());
    call.onWritable(() -> sendOn(call));
    sendOn(call);
  }

  private void sendOn(Call<ExportTaskRequest, ExportTaskResponse> call) {
    while (left.hasRemaining() && call.open() && call.writable()) {
      ByteBuffer chunk = left.slice();
      chunk.limit(Math.min(CHUNK_BYTES, left.remaining()));
      left.position(left.position() + chunk.remaining());
      call.write(
          ExportTaskResponse.newBuilder().setChunk(UnsafeByteOperations.unsafeWrap(chunk)).build());
    }
    if (!left.hasRemaining()) {
      call.end();
    }
  }

  @Override
  public void close() {
    lease.close();
  }
}
