package dev.perennial.server.cluster.hazelcast;

import com.hazelcast.core.HazelcastInstance;
import com.hazelcast.core.HazelcastInstanceAware;
import com.hazelcast.nio.ObjectDataInput;
import com.hazelcast.nio.ObjectDataOutput;
import com.hazelcast.nio.serialization.DataSerializable;
import dev.perennial.server.cluster.Members;
import java.io.IOException;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way to another member, where it is answered. The library makes and fills it
 * there; its name and its fields are part of the wire's format.
 */
public final class MemberCall
    implements Callable<byte[]>, DataSerializable, HazelcastInstanceAware {
  private String topic;
  private byte[] request;
  private transient @Nullable HazelcastInstance instance;

  /** For the library. */
  public MemberCall() {
    this.topic = "";
    this.request = new byte[0];
  }

  MemberCall(Members.Topic topic, byte[] request) {
    this.topic = topic.name();
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
    return HazelcastMembers.of(here).answer(topic, request);
  }

  @Override
  public void writeData(ObjectDataOutput out) throws IOException {
    out.writeString(topic);
    out.writeByteArray(request);
  }

  @Override
  public void readData(ObjectDataInput in) throws IOException {
    String about = in.readString();
    topic = about == null ? "" : about;
    byte[] bytes = in.readByteArray();
    request = bytes == null ? new byte[0] : bytes;
  }
}
