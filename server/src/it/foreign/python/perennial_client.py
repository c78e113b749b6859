"""A Python client of Perennial: an example, and a test of the wire contract.

Teaches one task from a folder, classifies a test set before and after, leaves a stream half-way,
sends a broken image both ways, and asks the server what it offers. Prints one JSON object.

    python perennial_client.py --target localhost:8080 --stubs STUBS --data DIR

STUBS holds the modules that grpc_tools.protoc made from perennial/v1/*.proto. DIR holds
train/CLASS/*.png, test/CLASS/*.png and task.json with name, template and class_names.
"""

import argparse
import hashlib
import json
import pathlib
import sys
import uuid

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

# Every call has a deadline, in seconds.
DEADLINE = 60
TRAINING_DEADLINE = 600


def folder_images(folder):
    """Yields (label, bytes) of the PNG files below folder/CLASS, in the order of their names."""
    for path in sorted(folder.glob("*/*.png")):
        yield path.parent.name, path.read_bytes()


def details(status):
    """What a google.rpc.Status says for programs: its code, ErrorInfo reason and BadRequest field."""
    found = {"code": status.code, "message": status.message, "reason": None, "field": None}
    for detail in status.details:
        info, bad_request = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Unpack(info):
            found["reason"] = info.reason
        elif detail.Unpack(bad_request):
            found["field"] = bad_request.field_violations[0].field
    return found


def trailing_details(error):
    """The google.rpc.Status in a failed call's trailers."""
    for key, value in error.trailing_metadata():
        if key == "grpc-status-details-bin":
            return details(status_pb2.Status.FromString(value))
    return {"code": error.code().value[0], "message": error.details(), "reason": None, "field": None}


class Client:
    def __init__(self, channel):
        self.channel = channel
        self.inference = inference_grpc.InferenceServiceStub(channel)
        self.training = training_grpc.TrainingServiceStub(channel)
        self.tasks = task_grpc.TaskServiceStub(channel)

    def accuracy(self, folder, labels):
        """Share of a folder's images whose most probable label is their folder's name."""
        wanted = list(folder_images(folder))

        def requests():
            for index, (_, encoded) in enumerate(wanted):
                request = inference.ClassifyRequest(image=image.Image(encoded=encoded), top_k=1)
                if index == 0:
                    request.label_set.CopyFrom(labels)  # holds for the rest of the stream
                yield request

        right = 0
        for answer in self.inference.Classify(requests(), timeout=DEADLINE):
            if answer.HasField("error"):
                raise RuntimeError(f"image {answer.index}: {answer.error}")
            # Answers come as they are ready: the index says which request each belongs to.
            right += answer.classification.scores[0].label == wanted[answer.index][0]
        return right / len(wanted)

    def train(self, name, template, class_names, folder, seed):
        """Uploads a folder, commits, and follows the job to its end."""

        def requests():
            spec = training.TrainingSpec(
                task=name,
                template=template,
                class_names=class_names,
                request_id=str(uuid.uuid4()),
                options=training.TrainingOptions(seed=seed),
            )
            yield training.TrainRequest(spec=spec)
            for label, encoded in folder_images(folder):
                example = training.Example(image=image.Image(encoded=encoded), label=label)
                yield training.TrainRequest(example=example)
            yield training.TrainRequest(commit=training.Commit())

        spooled, reports, job = 0, 0, None
        for event in self.training.Train(requests(), timeout=TRAINING_DEADLINE):
            if event.HasField("spooled"):
                spooled = event.spooled.examples
            elif event.HasField("rejected"):
                raise RuntimeError(f"example {event.rejected.index}: {event.rejected.error}")
            else:
                job = event.job
                reports += job.HasField("progress")
        return {
            "state": training.TrainingJobState.Name(job.state),
            "version_id": job.version_id,
            "spooled": spooled,
            "progress_reports": reports,
        }

    def answer(self, good, labels):
        """One image's answer, every float of it, without the epoch, which counts on."""
        request = inference.ClassifyImageRequest(
            image=image.Image(encoded=good), label_set=labels
        )
        found = self.inference.ClassifyImage(request, timeout=DEADLINE).classification
        found.epoch = 0
        return found

    def contribute_and_withdraw(self, name, folder, good):
        """Adds a folder's statistics to a task without training, and takes them back."""

        def requests():
            yield training.TrainRequest(
                spec=training.TrainingSpec(
                    task=name, request_id=str(uuid.uuid4()), statistics_only=True
                )
            )
            for label, encoded in folder_images(folder):
                example = training.Example(image=image.Image(encoded=encoded), label=label)
                yield training.TrainRequest(example=example)
            yield training.TrainRequest(commit=training.Commit())

        labels = inference.LabelSet(task=name)
        before = self.answer(good, labels)
        *_, last = self.training.Train(requests(), timeout=TRAINING_DEADLINE)
        contribution_id = last.job.contribution_id
        changed = self.answer(good, labels) != before
        listed = self.tasks.GetTask(task.GetTaskRequest(name=name), timeout=DEADLINE).task
        self.tasks.WithdrawContribution(
            task.WithdrawContributionRequest(name=name, contribution_id=contribution_id),
            timeout=DEADLINE,
        )
        return {
            "listed": [each.contribution_id for each in listed.contributions] == [contribution_id],
            "examples": listed.contributions[0].examples,
            "changed": changed,
            "restored": self.answer(good, labels) == before,
        }

    def export_delete_import(self, name, good):
        """Takes a task's file, unlearns the task, and brings it in again."""
        labels = inference.LabelSet(task=name)
        before = self.answer(good, labels)
        parts = list(self.tasks.ExportTask(task.ExportTaskRequest(name=name), timeout=DEADLINE))
        header, file = parts[0].header, b"".join(part.chunk for part in parts[1:])
        self.tasks.DeleteTask(task.DeleteTaskRequest(name=name), timeout=DEADLINE)

        def requests():
            yield task.ImportTaskRequest(header=header)
            for start in range(0, len(file), 65536):
                yield task.ImportTaskRequest(chunk=file[start : start + 65536])

        imported = self.tasks.ImportTask(requests(), timeout=DEADLINE).task
        return {
            "hash": hashlib.sha256(file).hexdigest() == header.version_id,
            "same_version": imported.active_version_id == header.version_id,
            "restored": self.answer(good, labels) == before,
        }

    def broken_image_in_stream(self, good, labels):
        """A broken image between two good ones: it alone is answered with an error."""
        encoded = [good, b"this is no image", good]
        requests = [inference.ClassifyRequest(image=image.Image(encoded=e)) for e in encoded]
        requests[0].label_set.CopyFrom(labels)
        answers = {a.index: a for a in self.inference.Classify(iter(requests), timeout=DEADLINE)}
        return {
            "answered": sorted(i for i, a in answers.items() if a.HasField("classification")),
            "error_index": next(i for i, a in answers.items() if a.HasField("error")),
            "error": details(answers[1].error),
        }

    def broken_image_alone(self, labels):
        """The same in a unary call: the error is the call's status, its details in the trailers."""
        request = inference.ClassifyImageRequest(
            image=image.Image(encoded=b"this is no image"), label_set=labels
        )
        try:
            self.inference.ClassifyImage(request, timeout=DEADLINE)
        except grpc.RpcError as error:
            return trailing_details(error)
        raise RuntimeError("a broken image was classified")

    def cancel_in_mid_stream(self, good, labels):
        """Takes a few answers of an endless stream and leaves; then asks again."""

        def endless():
            first = True
            while True:
                request = inference.ClassifyRequest(image=image.Image(encoded=good))
                if first:
                    request.label_set.CopyFrom(labels)
                    first = False
                yield request

        stream = self.inference.Classify(endless(), timeout=DEADLINE)
        taken = 0
        for _ in stream:
            taken += 1
            if taken == 5:
                break
        stream.cancel()
        again = self.inference.ClassifyImage(
            inference.ClassifyImageRequest(image=image.Image(encoded=good), label_set=labels),
            timeout=DEADLINE,
        )
        return {
            "answers_taken": taken,
            "code": stream.code().name,
            "answered_afterwards": len(again.classification.scores) > 0,
        }

    def services(self):
        """What the server offers, by reflection."""
        stub = reflection_pb2_grpc.ServerReflectionStub(self.channel)
        request = reflection_pb2.ServerReflectionRequest(list_services="")
        answer = next(stub.ServerReflectionInfo(iter([request]), timeout=DEADLINE))
        return sorted(service.name for service in answer.list_services_response.service)

    def reflected_methods(self, service):
        """The methods of a service, from the file descriptor that the server itself gives."""
        from google.protobuf import descriptor_pb2

        stub = reflection_pb2_grpc.ServerReflectionStub(self.channel)
        request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=service)
        answer = next(stub.ServerReflectionInfo(iter([request]), timeout=DEADLINE))
        for encoded in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(encoded)
            for found in file.service:
                if f"{file.package}.{found.name}" == service:
                    return [method.name for method in found.method]
        return []


def main(arguments):
    data = pathlib.Path(arguments.data)
    task_file = json.loads((data / "task.json").read_text())
    labels = inference.LabelSet(
        explicit=inference.ExplicitLabels(
            labels=task_file["class_names"], template=task_file["template"]
        )
    )
    good = next(folder_images(data / "test"))[1]
    with grpc.insecure_channel(arguments.target) as channel:
        client = Client(channel)
        result = {"services": client.services()}
        result["inference_methods"] = client.reflected_methods("perennial.v1.InferenceService")
        result["before"] = client.accuracy(data / "test", labels)
        result["job"] = client.train(
            arguments.task,
            task_file["template"],
            task_file["class_names"],
            data / "train",
            arguments.seed,
        )
        result["after"] = client.accuracy(data / "test", inference.LabelSet(task=arguments.task))
        result["broken_in_stream"] = client.broken_image_in_stream(good, labels)
        result["broken_alone"] = client.broken_image_alone(labels)
        result["cancelled"] = client.cancel_in_mid_stream(good, labels)
        result["contribution"] = client.contribute_and_withdraw(
            arguments.task, data / "train", good
        )
        result["file"] = client.export_delete_import(arguments.task, good)
        listed = client.tasks.ListTasks(task.ListTasksRequest(), timeout=DEADLINE)
        result["tasks"] = [each.name for each in listed.tasks]
    print(json.dumps(result))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", required=True, help="host:port")
    parser.add_argument("--stubs", required=True, help="folder of the generated modules")
    parser.add_argument("--data", required=True, help="folder with train, test and task.json")
    parser.add_argument("--task", default="python", help="name of the task to teach")
    parser.add_argument("--seed", type=int, default=1, help="of the training")
    parsed = parser.parse_args()

    sys.path.insert(0, parsed.stubs)
    from perennial.v1 import image_pb2 as image
    from perennial.v1 import inference_pb2 as inference
    from perennial.v1 import inference_pb2_grpc as inference_grpc
    from perennial.v1 import task_pb2 as task
    from perennial.v1 import task_pb2_grpc as task_grpc
    from perennial.v1 import training_pb2 as training
    from perennial.v1 import training_pb2_grpc as training_grpc

    main(parsed)
