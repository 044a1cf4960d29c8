package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// process is a function under measurement, with the Runtime API that it asks and a stand-in for DynamoDB, which has nothing.
type process struct {
	cmd    *exec.Cmd
	server *http.Server
	first  time.Duration // processor time until it asked for work
	ask    chan struct{}
	give   chan []byte
	done   chan int
	gone   chan struct{}
}

// start starts the binary, and waits until it asks for work.
func start(s *subject) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{ask: make(chan struct{}), give: make(chan []byte), done: make(chan int, 1), gone: make(chan struct{})}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(l) }() // ends with Close
	addr := l.Addr().String()
	p.cmd = exec.Command(s.path)
	p.cmd.Env = append([]string{
		"AWS_LAMBDA_RUNTIME_API=" + addr, "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_SESSION_TOKEN=x",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_ENDPOINT_URL=http://" + addr,
	}, s.environ...)
	p.cmd.Stderr = os.Stderr
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { _ = p.cmd.Wait(); close(p.gone) }()
	select {
	case <-p.ask:
		p.first, err = p.used()
		return p, err
	case <-p.gone:
		err = errors.New("it ended before it asked for work")
	case <-time.After(20 * time.Second):
		err = errors.New("it does not ask for work")
	}
	p.stop()
	return nil, err
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.gone
	_ = p.server.Close()
}

func (p *process) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/invocation/next"):
		select {
		case p.ask <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		select {
		case e := <-p.give:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(30*time.Second).UnixMilli(), 10))
			_, _ = w.Write(e)
		case <-r.Context().Done():
		}
	case strings.HasSuffix(r.URL.Path, "/response"):
		n, _ := io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
		p.done <- int(n)
	case strings.HasSuffix(r.URL.Path, "/error"):
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(os.Stderr, "%s\n", b)
		w.WriteHeader(http.StatusAccepted)
		p.done <- 0
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "secretsmanager."):
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = io.WriteString(w, `{"SecretString":"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}`)
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "DynamoDBStreams_"):
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"StreamDescription":{"Shards":[]}}`)
	default:
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = io.WriteString(w, `{"Responses":{},"UnprocessedKeys":{}}`)
	}
}

// work has the process, which has asked for work, answer the event so often; it gives the processor time of one answer, the first hundred
// aside, and the memory in MB at the end.
func (p *process) work(e []byte, invokes int) (time.Duration, float64, error) {
	var from time.Duration
	var err error
	warm := min(100, invokes/2)
	for i := range invokes {
		if i == warm {
			if from, err = p.used(); err != nil {
				return 0, 0, err
			}
		}
		p.give <- e
		if n := <-p.done; n == 0 {
			return 0, 0, errors.New("an invocation failed")
		}
		<-p.ask
	}
	to, err := p.used()
	if err != nil {
		return 0, 0, err
	}
	rss, err := p.resident()
	return (to - from) / time.Duration(invokes-warm), rss, err
}

// used is the processor time of all threads so far.
func (p *process) used() (sum time.Duration, err error) {
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	for _, f := range tasks {
		b, err := os.ReadFile(f)
		if errors.Is(err, os.ErrNotExist) {
			continue // a thread that has ended
		}
		ns, _, _ := strings.Cut(string(b), " ")
		n, err := strconv.ParseInt(ns, 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n)
	}
	if sum == 0 {
		err = errors.Join(err, errors.New("the kernel keeps no schedstat of processes"))
	}
	return sum, err
}

func (p *process) resident() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(v)[0], 64)
			return kb * 1024 / 1e6, err
		}
	}
	return 0, errors.New("no VmRSS")
}
