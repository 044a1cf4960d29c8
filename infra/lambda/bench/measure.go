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
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/edge"
)

// measure starts the binary again and again, and has the last process answer the invocations.
func measure(binary, name string, route *edge.Route, starts, invokes int) (m measured, err error) {
	m.name = name
	var all []time.Duration
	for i := range starts {
		p, err := start(binary, route)
		if err != nil {
			return m, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, p.first)
		if i == starts-1 {
			m.invoke, m.memory, err = p.work(event(route), invokes)
		}
		p.stop()
		if err != nil {
			return m, fmt.Errorf("%s: %w", name, err)
		}
	}
	slices.Sort(all)
	m.start = all[len(all)/2]
	return m, nil
}

func event(route *edge.Route) []byte {
	if route == nil || route.Path == "" {
		return []byte(`{"Records":[]}`)
	}
	b, err := json.Marshal(map[string]any{
		"version": "2.0", "rawPath": route.Path, "rawQueryString": "", "isBase64Encoded": false,
		"headers":        map[string]string{"accept": "application/json", "host": "api.example.com", "user-agent": "bench", "accept-language": "en"},
		"requestContext": map[string]any{"requestId": "r", "stage": "$default", "http": map[string]string{"method": route.Method, "sourceIp": "192.0.2.1"}},
	})
	if err != nil {
		panic(err) // nothing in it can fail
	}
	return b
}

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

func start(binary string, route *edge.Route) (*process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &process{ask: make(chan struct{}), give: make(chan []byte), done: make(chan int, 1), gone: make(chan struct{})}
	p.server = &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = p.server.Serve(l) }() // ends with Close
	addr := l.Addr().String()
	p.cmd = exec.Command(binary)
	p.cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + addr, "AWS_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x", "AWS_SESSION_TOKEN=x",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_ENDPOINT_URL=http://" + addr, "STEWARD_TABLE=data", "STEWARD_KEYS_TABLE=keys", "STEWARD_KEY_DATA=a",
		"STEWARD_KEY_AUDIT=b", "STEWARD_POOL=eu-central-1_x", "STEWARD_CLIENT=c", "STEWARD_CLIENT_SECRET=s", "STEWARD_MAIL_FROM=a@example.com",
		"STEWARD_WEBHOOK_SECRET=w", "STEWARD_JOBS_QUEUE=http://" + addr + "/q",
	}
	if route != nil {
		p.cmd.Env = append(p.cmd.Env, "_HANDLER="+route.Operation)
	}
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
