'use strict';
/*
 * A Node client of Perennial: an example, and a test of the wire contract.
 *
 * Teaches one task from a folder, classifies a test set before and after, leaves a stream half-way
 * and sends a broken image both ways. Prints one JSON object.
 *
 *     node perennial-client.js --target localhost:8080 --protos DIR --data DIR
 *
 * --protos holds perennial/v1/*.proto and google/rpc/*.proto; --data holds train/CLASS/*.png,
 * test/CLASS/*.png and task.json with name, template and class_names.
 */

const fs = require('node:fs');
const path = require('node:path');
const { randomUUID } = require('node:crypto');
const { once } = require('node:events');
const { parseArgs } = require('node:util');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

// Every call has a deadline, in seconds.
const DEADLINE = 60;
const TRAINING_DEADLINE = 600;

const { values: options } = parseArgs({
  options: {
    target: { type: 'string' },
    protos: { type: 'string' },
    data: { type: 'string' },
    task: { type: 'string', default: 'node' },
    seed: { type: 'string', default: '1' },
  },
});

const perennial = grpc.loadPackageDefinition(
  protoLoader.loadSync(
    ['inference', 'training', 'task'].map((file) => `perennial/v1/${file}.proto`),
    {
      includeDirs: [options.protos],
      keepCase: true,
      longs: Number,
      enums: String,
      defaults: true, // an index of 0 is not sent
      oneofs: true,
    },
  ),
).perennial.v1;

// google.rpc.Status and its details, to be read from trailers and out of google.protobuf.Any.
const rpc = new protobuf.Root();
rpc.resolvePath = (origin, target) => protobuf.common.get(target) ? target : path.join(options.protos, target);
rpc.loadSync(['google/rpc/status.proto', 'google/rpc/error_details.proto']);

const deadline = (seconds) => ({ deadline: Date.now() + seconds * 1000 });

/** {label, encoded} of the PNG files below folder/CLASS, in the order of their names. */
function folderImages(folder) {
  return fs
    .readdirSync(folder)
    .sort()
    .flatMap((label) =>
      fs
        .readdirSync(path.join(folder, label))
        .filter((file) => file.endsWith('.png'))
        .sort()
        .map((file) => ({ label, encoded: fs.readFileSync(path.join(folder, label, file)) })),
    );
}

/** What a google.rpc.Status says for programs: its code, ErrorInfo reason and BadRequest field. */
function details(status) {
  const found = { code: status.code, message: status.message, reason: null, field: null };
  for (const detail of status.details) {
    const name = detail.type_url.split('/').pop();
    if (name === 'google.rpc.ErrorInfo') {
      found.reason = rpc.lookupType(name).decode(detail.value).reason;
    } else if (name === 'google.rpc.BadRequest') {
      found.field = rpc.lookupType(name).decode(detail.value).fieldViolations[0].field;
    }
  }
  return found;
}

/** The google.rpc.Status in a failed call's trailers. */
function trailingDetails(error) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  if (!bytes) {
    return { code: error.code, message: error.details, reason: null, field: null };
  }
  const status = rpc.lookupType('google.rpc.Status').decode(bytes);
  return details({
    code: status.code,
    message: status.message,
    details: status.details.map((any) => ({ type_url: any.type_url ?? any.typeUrl, value: any.value })),
  });
}

/** Writes with back-pressure: a false from write() means "wait for drain". */
async function writeAll(stream, messages) {
  for (const message of messages) {
    if (!stream.write(message)) {
      await once(stream, 'drain');
    }
  }
  stream.end();
}

/** Sends requests and gives all answers, when the stream has ended well. */
async function exchange(stream, requests) {
  const answers = [];
  const ended = new Promise((resolve, reject) => {
    stream.on('data', (answer) => answers.push(answer));
    stream.on('end', resolve);
    stream.on('error', reject);
  });
  await Promise.all([writeAll(stream, requests), ended]);
  return answers;
}

class Client {
  constructor(target) {
    const credentials = grpc.credentials.createInsecure();
    this.inference = new perennial.InferenceService(target, credentials);
    this.training = new perennial.TrainingService(target, credentials);
    this.tasks = new perennial.TaskService(target, credentials);
  }

  close() {
    [this.inference, this.training, this.tasks].forEach((client) => client.close());
  }

  /** Share of a folder's images whose most probable label is their folder's name. */
  async accuracy(folder, labelSet) {
    const wanted = folderImages(folder);
    const requests = wanted.map(({ encoded }, index) => ({
      image: { encoded },
      top_k: 1,
      // Holds for the rest of the stream.
      ...(index === 0 && { label_set: labelSet }),
    }));
    const answers = await exchange(this.inference.Classify(deadline(DEADLINE)), requests);
    let right = 0;
    for (const answer of answers) {
      if (answer.error) {
        throw new Error(`image ${answer.index}: ${answer.error.message}`);
      }
      // Answers come as they are ready: the index says which request each belongs to.
      right += answer.classification.scores[0].label === wanted[answer.index].label;
    }
    return right / wanted.length;
  }

  /** Uploads a folder, commits, and follows the job to its end. */
  async train(task, template, classNames, folder, seed) {
    const spec = {
      task,
      template,
      class_names: classNames,
      request_id: randomUUID(),
      options: { seed },
    };
    const examples = folderImages(folder).map(({ label, encoded }) => ({
      example: { image: { encoded }, label },
    }));
    const events = await exchange(this.training.Train(deadline(TRAINING_DEADLINE)), [
      { spec },
      ...examples,
      { commit: {} },
    ]);
    const rejected = events.find((event) => event.rejected);
    if (rejected) {
      throw new Error(`example ${rejected.rejected.index}: ${rejected.rejected.error.message}`);
    }
    const jobs = events.filter((event) => event.job).map((event) => event.job);
    const last = jobs.at(-1);
    return {
      state: last.state,
      version_id: last.version_id,
      spooled: Math.max(0, ...events.filter((e) => e.spooled).map((e) => e.spooled.examples)),
      progress_reports: jobs.filter((job) => job.progress).length,
    };
  }

  /** A broken image between two good ones: it alone is answered with an error. */
  async brokenImageInStream(good, labelSet) {
    const answers = await exchange(this.inference.Classify(deadline(DEADLINE)), [
      { image: { encoded: good }, label_set: labelSet },
      { image: { encoded: Buffer.from('this is no image') } },
      { image: { encoded: good } },
    ]);
    const failed = answers.find((answer) => answer.error);
    return {
      answered: answers.filter((a) => a.classification).map((a) => a.index).sort(),
      error_index: failed.index,
      error: details(failed.error),
    };
  }

  /** The same in a unary call: the error is the call's status, its details in the trailers. */
  brokenImageAlone(labelSet) {
    const request = { image: { encoded: Buffer.from('this is no image') }, label_set: labelSet };
    return new Promise((resolve, reject) => {
      this.inference.ClassifyImage(request, deadline(DEADLINE), (error) =>
        error ? resolve(trailingDetails(error)) : reject(new Error('a broken image was classified')),
      );
    });
  }

  /** Takes a few answers of a stream that is still open and leaves; then asks again. */
  async cancelInMidStream(good, labelSet) {
    const stream = this.inference.Classify(deadline(DEADLINE));
    let taken = 0;
    const left = new Promise((resolve, reject) => {
      stream.on('data', () => {
        taken += 1;
        if (taken === 5) {
          stream.cancel();
        } else if (taken < 5) {
          stream.write({ image: { encoded: good } });
        }
      });
      stream.on('error', resolve);
      stream.on('end', () => reject(new Error('the stream ended before it was cancelled')));
    });
    stream.write({ image: { encoded: good }, label_set: labelSet });
    stream.write({ image: { encoded: good } });
    const error = await left;
    const request = { image: { encoded: good }, label_set: labelSet };
    const again = await new Promise((resolve, reject) => {
      this.inference.ClassifyImage(request, deadline(DEADLINE), (failure, answer) =>
        failure ? reject(failure) : resolve(answer),
      );
    });
    return {
      answers_taken: taken,
      code: grpc.status[error.code],
      answered_afterwards: again.classification.scores.length > 0,
    };
  }

  listTasks() {
    return new Promise((resolve, reject) => {
      this.tasks.ListTasks({}, deadline(DEADLINE), (error, answer) =>
        error ? reject(error) : resolve(answer.tasks.map((task) => task.name)),
      );
    });
  }
}

async function main() {
  const taskFile = JSON.parse(fs.readFileSync(path.join(options.data, 'task.json'), 'utf8'));
  const { template, class_names: classNames } = taskFile;
  const labels = { explicit: { labels: classNames, template } };
  const test = path.join(options.data, 'test');
  const good = folderImages(test)[0].encoded;
  const client = new Client(options.target);
  try {
    const result = {};
    result.before = await client.accuracy(test, labels);
    result.job = await client.train(
      options.task,
      template,
      classNames,
      path.join(options.data, 'train'),
      Number(options.seed),
    );
    result.after = await client.accuracy(test, { task: options.task });
    result.broken_in_stream = await client.brokenImageInStream(good, labels);
    result.broken_alone = await client.brokenImageAlone(labels);
    result.cancelled = await client.cancelInMidStream(good, labels);
    result.tasks = await client.listTasks();
    console.log(JSON.stringify(result));
  } finally {
    client.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
