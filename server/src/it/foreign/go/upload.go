package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "perennial.dev/foreign/perennial/v1"
)

const (
	// From one example of the source to the next.
	examplePause = 50 * time.Millisecond
	// How long after a failure an upload looks for another server.
	resumePause = 200 * time.Millisecond
)

// Examples of a source that has no end, until it is told; each counts once a server says so.
//
// Every attempt begins with `resume`: the server, whichever it is, says how many examples need not
// be sent again, and we go on from there.
type upload struct {
	client   pb.TrainingServiceClient
	spec     *pb.TrainingSpec
	examples []*pb.Example
	enough   chan struct{}
	given    int // by the source; of the one sender that runs
	resumed  []resume

	mu           sync.Mutex
	acknowledged int
}

// Where an attempt went on, and what had been acknowledged before.
type resume struct {
	Acknowledged int `json:"acknowledged"`
	From         int `json:"from"`
}

func newUpload(client pb.TrainingServiceClient, task string, examples []*pb.Example) *upload {
	small := uint32(2)
	batch := uint32(8)
	return &upload{
		client: client,
		spec: &pb.TrainingSpec{
			Task:      task,
			RequestId: rand.Text(),
			Resume:    true,
			Options: &pb.TrainingOptions{
				Seed: 1, Depth: &small, PrefixLength: &small, Epochs: &small, BatchSize: &batch},
		},
		examples: examples,
		enough:   make(chan struct{}),
	}
}

func (u *upload) end() {
	close(u.enough)
}

// Uploads to the end, at any number of servers; the job when it has ended.
func (u *upload) run() (*pb.TrainingJob, error) {
	for {
		job, err := u.attempt()
		if status.Code(err) != codes.Unavailable {
			return job, err
		}
		time.Sleep(resumePause)
	}
}

func (u *upload) attempt() (job *pb.TrainingJob, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), streamDeadline)
	var sender sync.WaitGroup
	defer sender.Wait()
	defer cancel()
	stream, err := u.client.Train(ctx, grpc.WaitForReady(true))
	if err != nil {
		return nil, err
	}
	// Where the stream has ended, Send says no more than that: Recv knows why.
	if err := stream.Send(&pb.TrainRequest{Part: &pb.TrainRequest_Spec{Spec: u.spec}}); err != nil &&
		err != io.EOF {
		return nil, err
	}
	started := false
	for {
		event, err := stream.Recv()
		if err == io.EOF {
			return job, nil
		}
		if err != nil {
			return nil, err
		}
		switch event := event.GetEvent().(type) {
		case *pb.TrainResponse_Rejected:
			return nil, fmt.Errorf("example: %v", event.Rejected)
		case *pb.TrainResponse_Job:
			job = event.Job
		case *pb.TrainResponse_Spooled:
			count := int(event.Spooled.GetExamples())
			if !started {
				started = true
				u.resumed = append(u.resumed, resume{u.acknowledgedNow(), count})
				sender.Go(func() { u.send(ctx, stream, count) })
			}
			u.acknowledge(count)
		}
	}
}

// What was given before at once, the rest as the source has it; then the commit.
func (u *upload) send(ctx context.Context, stream pb.TrainingService_TrainClient, index int) {
	for ; ; index++ {
		if index == u.given {
			select {
			case <-ctx.Done():
				return
			case <-u.enough:
				stream.Send(&pb.TrainRequest{Part: &pb.TrainRequest_Commit{Commit: &pb.Commit{}}})
				stream.CloseSend()
				return
			case <-time.After(examplePause):
				u.given++
			}
		}
		example := u.examples[index%len(u.examples)]
		if stream.Send(&pb.TrainRequest{Part: &pb.TrainRequest_Example{Example: example}}) != nil {
			return
		}
	}
}

func (u *upload) acknowledge(count int) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.acknowledged = max(u.acknowledged, count)
}

func (u *upload) acknowledgedNow() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.acknowledged
}
