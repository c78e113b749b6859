package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "perennial.dev/foreign/perennial/v1"
)

const (
	callers = 3
	// From one request to the next, for each caller and for the stream.
	pause = 100 * time.Millisecond
)

// Classifies one image after the other, as single calls and over a stream, until stopped.
type load struct {
	client pb.InferenceServiceClient
	images []*pb.Image
	labels *pb.LabelSet
	done   chan struct{}
	ended  sync.WaitGroup

	mu       sync.Mutex
	epoch    uint64 // of the last change that was acknowledged to us
	calls    int
	streamed int
	reopened int
	failures []string
}

func startLoad(client pb.InferenceServiceClient, examples []*pb.Example) *load {
	l := &load{client: client, done: make(chan struct{}), failures: []string{}}
	var labels []string
	for _, example := range examples {
		l.images = append(l.images, example.GetImage())
		labels = append(labels, example.GetLabel())
	}
	slices.Sort(labels)
	l.labels = &pb.LabelSet{Kind: &pb.LabelSet_Explicit{
		Explicit: &pb.ExplicitLabels{Labels: slices.Compact(labels)}}}
	for range callers {
		l.ended.Go(l.call)
	}
	l.ended.Go(l.stream)
	return l
}

func (l *load) call() {
	for i := 0; l.next(); i++ {
		epoch := l.epochNow()
		ctx, cancel := context.WithTimeout(context.Background(), callDeadline)
		answer, err := l.client.ClassifyImage(ctx, &pb.ClassifyImageRequest{
			Image: l.images[i%len(l.images)], LabelSet: l.labels})
		cancel()
		if err != nil {
			l.fail("call: %v", err)
			continue
		}
		l.took(&l.calls, answer.GetClassification(), epoch)
	}
}

// gRPC repeats no stream that has begun to answer: what had no answer is asked anew.
func (l *load) stream() {
	for image, open := 0, true; open; {
		answered, err := l.streamFrom(image)
		image += answered
		switch {
		case err == nil:
			open = false
		case status.Code(err) == codes.Unavailable:
			l.mu.Lock()
			l.reopened++
			l.mu.Unlock()
		default:
			l.fail("stream: %v", err)
			open = false
		}
	}
}

// One stream, until it breaks or we stop; how many images were answered.
func (l *load) streamFrom(image int) (answered int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), streamDeadline)
	defer cancel()
	stream, err := l.client.Classify(ctx)
	if err != nil {
		return 0, err
	}
	for ; l.next(); answered++ {
		epoch := l.epochNow()
		request := &pb.ClassifyRequest{
			Image: l.images[(image+answered)%len(l.images)], LabelSet: l.labels}
		// Where the stream has ended, Send says no more than that: Recv knows why.
		if err := stream.Send(request); err != nil && err != io.EOF {
			return answered, err
		}
		answer, err := stream.Recv()
		if err != nil {
			return answered, err
		}
		if answer.GetError() != nil {
			return answered, fmt.Errorf("image %d: %v", answer.GetIndex(), answer.GetError())
		}
		l.took(&l.streamed, answer.GetClassification(), epoch)
	}
	return answered, stream.CloseSend()
}

// Whether to ask once more, when it is time to.
func (l *load) next() bool {
	select {
	case <-l.done:
		return false
	case <-time.After(pause):
		return true
	}
}

// An answer is never older than what was acknowledged before it was asked for.
func (l *load) took(count *int, answer *pb.Classification, epoch uint64) {
	l.mu.Lock()
	*count++
	l.mu.Unlock()
	if answer.GetEpoch() < epoch {
		l.fail("epoch %d (acknowledged before: %d)", answer.GetEpoch(), epoch)
	}
}

func (l *load) fail(format string, values ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failures = append(l.failures, fmt.Sprintf(format, values...))
}

func (l *load) acknowledged(epoch uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.epoch = epoch
}

func (l *load) epochNow() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch
}

func (l *load) callsNow() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}

// Waits for so many more calls.
func (l *load) awaitCalls(more int) {
	for wanted := l.callsNow() + more; l.callsNow() < wanted; {
		time.Sleep(pause)
	}
}

func (l *load) state(acknowledged int) map[string]any {
	l.mu.Lock()
	defer l.mu.Unlock()
	return map[string]any{
		"answered":     min(l.calls, l.streamed),
		"acknowledged": acknowledged,
		"failures":     slices.Clone(l.failures),
	}
}

func (l *load) stop() {
	close(l.done)
	l.ended.Wait()
}
