// A Go client of a cluster: an example, and a test of what any gRPC client gets there.
//
// It knows all servers, and nothing but gRPC's own means: a service config (round robin over those
// whose health is good, retries of what may be asked twice) and a few dial options. While servers
// are killed and restarted it classifies at a steady rate, in single calls and over a stream, and
// uploads the examples of a slow source, which goes on at another server behind the last one
// acknowledged.
//
//	client --targets=10.0.0.1:9090,10.0.0.2:9090 --config=CONFIG --data=DIR
//
// CONFIG is the service config, DIR holds CLASS/*.png. It says how far it is, a JSON object a line;
// a line on standard input ends the source, whereupon it commits, waits for the job, and prints the
// result.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // without it the config's health check does nothing
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	pb "perennial.dev/foreign/perennial/v1"
)

const (
	callDeadline   = time.Minute
	streamDeadline = 10 * time.Minute

	// A request is kept for further tries up to so many bytes: the largest message.
	retryBuffer = 16 << 20
	// A server that is back is found within so long; by default two minutes.
	longestBackoff = 2 * time.Second
	// A server that hangs, with its connections open, is given up after both.
	pingAfter   = 10 * time.Second
	pingTimeout = 5 * time.Second

	// Between two words on how far we are.
	sayEvery = 100 * time.Millisecond
	// Answers that are waited for after the end of the upload: they know what was taught.
	lastAnswers = 30
)

func main() {
	targets := flag.String("targets", "", "host:port,host:port")
	config := flag.String("config", "", "file of the service config")
	data := flag.String("data", "", "folder with CLASS/*.png")
	task := flag.String("task", "go", "name of the task to teach")
	flag.Parse()
	examples, err := readExamples(*data)
	check(err)
	serviceConfig, err := os.ReadFile(*config)
	check(err)
	servers, err := connect(strings.Split(*targets, ","), string(serviceConfig))
	check(err)
	defer servers.Close()

	load := startLoad(pb.NewInferenceServiceClient(servers), examples)
	training := pb.NewTrainingServiceClient(servers)
	first := newUpload(training, *task+"-first", examples)
	first.given = len(examples)
	first.end()
	teach(load, first)

	upload := newUpload(training, *task, examples)
	go func() {
		bufio.NewReader(os.Stdin).ReadString('\n')
		upload.end()
	}()
	taught := make(chan *pb.TrainingJob)
	go func() { taught <- teach(load, upload) }()
	var job *pb.TrainingJob
	for job == nil {
		select {
		case job = <-taught:
		case <-time.After(sayEvery):
			say(load.state(upload.acknowledgedNow()))
		}
	}
	load.awaitCalls(lastAnswers)
	load.stop()
	say(map[string]any{"result": result(load, upload, job)})
}

// One connection to each server, and one channel over all of them.
func connect(addresses []string, serviceConfig string) (*grpc.ClientConn, error) {
	known := manual.NewBuilderWithScheme("perennial")
	var endpoints []resolver.Endpoint
	for _, address := range addresses {
		endpoints = append(endpoints,
			resolver.Endpoint{Addresses: []resolver.Address{{Addr: address}}})
	}
	known.InitialState(resolver.State{Endpoints: endpoints})
	pauses := backoff.DefaultConfig
	pauses.MaxDelay = longestBackoff
	return grpc.NewClient("perennial:///"+strings.Join(addresses, ","),
		grpc.WithResolvers(known),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDefaultCallOptions(grpc.MaxRetryRPCBufferSize(retryBuffer)),
		grpc.WithConnectParams(
			grpc.ConnectParams{Backoff: pauses, MinConnectTimeout: longestBackoff}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}))
}

// One task more; from then on every answer knows it.
func teach(load *load, upload *upload) *pb.TrainingJob {
	job, err := upload.run()
	check(err)
	if job.GetState() != pb.TrainingJobState_TRAINING_JOB_STATE_SUCCEEDED {
		log.Fatalf("job: %v", job)
	}
	load.acknowledged(job.GetEpoch())
	return job
}

func readExamples(folder string) ([]*pb.Example, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*", "*.png"))
	if err != nil {
		return nil, err
	}
	sort.Strings(files)
	var examples []*pb.Example
	for _, file := range files {
		encoded, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		examples = append(examples, &pb.Example{
			Image: &pb.Image{Form: &pb.Image_Encoded{Encoded: encoded}},
			Label: filepath.Base(filepath.Dir(file)),
		})
	}
	return examples, nil
}

func result(load *load, upload *upload, job *pb.TrainingJob) map[string]any {
	state := load.state(upload.acknowledgedNow())
	state["given"] = upload.given
	state["examples"] = job.GetExamples()
	state["resumed"] = upload.resumed
	state["reopened"] = load.reopened
	return state
}

func say(what map[string]any) {
	check(json.NewEncoder(os.Stdout).Encode(what))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
