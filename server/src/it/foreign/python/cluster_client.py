"""A Python client of a cluster: an example, and a test of what any gRPC client gets there.

Knows all servers, and nothing but gRPC's own means: a service config (round robin over those whose
health is good, retries of what may be asked twice) and a few channel options. While servers are
killed and restarted it classifies at a steady rate, in single calls and over a stream, and uploads
the examples of a slow source, which goes on at another server behind the last one acknowledged.

    python cluster_client.py --targets 10.0.0.1:9090,10.0.0.2:9090 --config CONFIG --stubs STUBS --data DIR

CONFIG is the service config, STUBS holds the modules that grpc_tools.protoc made from
perennial/v1/*.proto, DIR holds CLASS/*.png. Says how far it is, a JSON object a line; a line on
standard input ends the source, whereupon it commits, waits for the job, and prints the result.
"""

import argparse
import itertools
import json
import pathlib
import queue
import sys
import threading
import time
import uuid

import grpc

from perennial_client import folder_images

# Every call has a deadline, in seconds.
DEADLINE = 60
STREAM_DEADLINE = 600

# Of the load, per thread, and of the source: seconds from one to the next.
PAUSE = 0.1
THREADS = 3
EXAMPLE_PAUSE = 0.05

# How long after a failure an upload looks for another server.
RESUME_PAUSE = 0.2


def channel(targets, config):
    """One channel to all servers."""
    options = [
        ("grpc.service_config", config),
        # A request is kept for further tries up to so many bytes: the largest message.
        ("grpc.per_rpc_retry_buffer_size", 16 << 20),
        # A server that is back is found within so long; by default two minutes.
        ("grpc.max_reconnect_backoff_ms", 2000),
        # A server that hangs, with its connections open, is given up after 15 s.
        ("grpc.keepalive_time_ms", 10000),
        ("grpc.keepalive_timeout_ms", 5000),
    ]
    return grpc.insecure_channel("ipv4:" + targets, options)


def unavailable(error):
    return error.code() == grpc.StatusCode.UNAVAILABLE


class Load:
    """Classifies one image after the other, as single calls and over a stream, until stopped."""

    def __init__(self, stub, images, labels):
        self.stub = stub
        self.images = images
        self.labels = labels
        self.epoch = 0  # of the last change that was acknowledged to us
        self.answered = {"calls": 0, "stream": 0}
        self.reopened = 0
        self.failures = []
        self.stopped = threading.Event()
        self.lock = threading.Lock()
        works = [self.call] * THREADS + [self.stream]
        self.threads = [threading.Thread(target=self.guarded, args=[work]) for work in works]
        for thread in self.threads:
            thread.start()

    def guarded(self, work):
        try:
            work()
        except Exception as error:  # whatever it was, it must not happen
            self.fail(error)

    def fail(self, what):
        with self.lock:
            self.failures.append(str(what))

    def took(self, kind, answer, epoch):
        """An answer is never older than what was acknowledged before it was asked for."""
        with self.lock:
            self.answered[kind] += 1
            if answer.epoch < epoch:
                self.failures.append(f"{kind}: epoch {answer.epoch} (acknowledged before: {epoch})")

    def call(self):
        for encoded in itertools.cycle(self.images):
            if self.stopped.wait(PAUSE):
                return
            request = inference.ClassifyImageRequest(
                image=image.Image(encoded=encoded), label_set=self.labels
            )
            epoch = self.epoch
            try:
                answer = self.stub.ClassifyImage(request, timeout=DEADLINE)
                self.took("calls", answer.classification, epoch)
            except grpc.RpcError as error:
                self.fail(f"call: {error.code()} {error.details()}")

    def stream(self):
        """gRPC repeats no stream that has begun to answer: what had no answer is asked anew."""
        images = self.paced()
        request = next(images)
        while request is not None:
            asked = queue.SimpleQueue()
            asked.put(request)
            epoch = self.epoch
            try:
                for answer in self.stub.Classify(iter(asked.get, None), timeout=STREAM_DEADLINE):
                    if answer.HasField("error"):
                        raise RuntimeError(answer.error)
                    self.took("stream", answer.classification, epoch)
                    request = next(images)
                    epoch = self.epoch
                    asked.put(request)
            except grpc.RpcError as error:
                if not unavailable(error):
                    raise
                self.reopened += 1
            finally:
                asked.put(None)

    def paced(self):
        """The stream's requests; None once we stop."""
        for encoded in itertools.cycle(self.images):
            if self.stopped.wait(PAUSE):
                yield None
            yield inference.ClassifyRequest(
                image=image.Image(encoded=encoded), label_set=self.labels
            )

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


class Upload:
    """Examples of a source that has no end, until it is told; each counts once a server says so.

    Every attempt begins with `resume`: the server, whichever it is, says how many examples need not
    be sent again, and we go on from there.
    """

    def __init__(self, stub, task, examples):
        self.stub = stub
        self.spec = training.TrainingSpec(
            task=task,
            request_id=str(uuid.uuid4()),
            resume=True,
            options=training.TrainingOptions(
                seed=1, depth=2, prefix_length=2, epochs=2, batch_size=8
            ),
        )
        self.examples = examples
        self.ended = threading.Event()
        self.given = 0
        self.acknowledged = 0
        self.resumed = []

    def end(self):
        self.ended.set()

    def run(self):
        """Uploads to the end, at any number of servers; the job when it has ended."""
        while True:
            try:
                return self.attempt()
            except grpc.RpcError as error:
                if not unavailable(error):
                    raise
                time.sleep(RESUME_PAUSE)

    def attempt(self):
        start = queue.SimpleQueue()
        job = None
        first = True
        try:
            asked = self.requests(start)
            for event in self.stub.Train(asked, timeout=STREAM_DEADLINE, wait_for_ready=True):
                if event.HasField("rejected"):
                    raise RuntimeError(f"example {event.rejected.index}: {event.rejected.error}")
                if event.HasField("job"):
                    job = event.job
                    continue
                count = event.spooled.examples
                if first:
                    self.resumed.append({"acknowledged": self.acknowledged, "from": count})
                    start.put(count)
                    first = False
                self.acknowledged = max(self.acknowledged, count)
        finally:
            start.put(None)
        return job

    def requests(self, start):
        """The spec; from where the server says, what was given before at once, the rest as it comes."""
        yield training.TrainRequest(spec=self.spec)
        index = start.get()
        while index is not None:
            if index == self.given:
                if self.ended.wait(EXAMPLE_PAUSE):
                    yield training.TrainRequest(commit=training.Commit())
                    return
                self.given += 1
            label, encoded = self.examples[index % len(self.examples)]
            example = training.Example(image=image.Image(encoded=encoded), label=label)
            yield training.TrainRequest(example=example)
            index += 1


def say(load, upload):
    with load.lock:
        state = {
            "answered": min(load.answered.values()),
            "acknowledged": upload.acknowledged,
            "failures": load.failures,
        }
    print(json.dumps(state), flush=True)


def teach(load, upload):
    """One task more; from then on every answer knows it."""
    job = upload.run()
    if job.state != training.TRAINING_JOB_STATE_SUCCEEDED:
        raise RuntimeError(f"job: {job}")
    load.epoch = job.epoch
    return job


def main(arguments):
    examples = list(folder_images(pathlib.Path(arguments.data)))
    labels = inference.LabelSet(
        explicit=inference.ExplicitLabels(labels=sorted({label for label, _ in examples}))
    )
    config = pathlib.Path(arguments.config).read_text()
    with channel(arguments.targets, config) as servers:
        train = training_grpc.TrainingServiceStub(servers)
        images = [encoded for _, encoded in examples]
        load = Load(inference_grpc.InferenceServiceStub(servers), images, labels)
        first = Upload(train, arguments.task + "-first", examples)
        first.given = len(examples)
        first.end()
        teach(load, first)
        upload = Upload(train, arguments.task, examples)
        threading.Thread(target=lambda: (sys.stdin.readline(), upload.end()), daemon=True).start()
        jobs = []
        teaching = threading.Thread(target=lambda: jobs.append(teach(load, upload)))
        teaching.start()
        while teaching.is_alive():
            say(load, upload)
            teaching.join(PAUSE)
        wanted = load.answered["calls"] + 30  # that know what was taught
        while load.answered["calls"] < wanted and load.threads[0].is_alive():
            time.sleep(PAUSE)
        load.stop()
    result = {
        "answered": load.answered,
        "reopened": load.reopened,
        "failures": load.failures,
        "epoch": load.epoch,
        "given": upload.given,
        "examples": jobs[0].examples,
        "resumed": upload.resumed,
    }
    print(json.dumps({"result": result}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--targets", required=True, help="host:port,host:port; IPv4 addresses")
    parser.add_argument("--config", required=True, help="file of the service config")
    parser.add_argument("--stubs", required=True, help="folder of the generated modules")
    parser.add_argument("--data", required=True, help="folder with CLASS/*.png")
    parser.add_argument("--task", default="python", help="name of the task to teach")
    parsed = parser.parse_args()

    sys.path.insert(0, parsed.stubs)
    from perennial.v1 import image_pb2 as image
    from perennial.v1 import inference_pb2 as inference
    from perennial.v1 import inference_pb2_grpc as inference_grpc
    from perennial.v1 import training_pb2 as training
    from perennial.v1 import training_pb2_grpc as training_grpc

    main(parsed)
