package dev.perennial.server.task.hazelcast;

import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceAware;
import com.hazelcast.nio.ObjectDataInput;
import com.hazelcast.nio.ObjectDataOutput;
import com.hazelcast.nio.serialization.DataSerializable;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way to another member, where it is answered. The library makes and fills it
 * there; its name and its one field are part of the wire's format.
 */
public final class MemberCall
    implements Callable<byte[]>, DataSerializable, HazelcastInstanceAware {
  private byte[] request;
  private transient @Nullable HazelcastInstance instance;

  /** For the library. */
  public MemberCall() {
    this(new byte[0]);
  }

  MemberCall(byte[] request) {
    this.request = request;
  }

  @Override
  public void setHazelcastInstance(HazelcastInstance here) {
    instance = here;
  }

  @Override
  public byte[] call() {
    HazelcastInstance here = instance;
    if (here == null) {
      throw new IllegalStateException("a request without its member");
    }
    return HazelcastMembers.of(here).answer(request);
  }

  @Override
  public void writeData(ObjectDataOutput out) throws IOException {
    out.writeByteArray(request);
  }

  @Override
  public void readData(ObjectDataInput in) throws IOException {
    byte[] bytes = in.readByteArray();
    request = bytes == null ? new byte[0] : bytes;
  }
}
