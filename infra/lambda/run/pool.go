package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/steward-crm/steward/infra/stacks/deployed"
)

// pool is the functions: one process for each, and the Runtime API that they ask for their invocations. A function works on one
// invocation at a time; others wait.
type pool struct {
	binaries  string
	functions map[string]deployed.Function
	environ   func(*deployed.Function) []string
	api       string // host and port of the Runtime API
	logs      io.Writer

	mu    sync.Mutex
	all   map[string]*function
	ended bool
}

type function struct {
	name  string
	most  time.Duration // for one invocation
	next  chan *invocation
	gone  chan struct{} // closed when the process has ended
	stop  func()
	begun sync.Mutex // held while an invocation is under way

	mu      sync.Mutex
	current *invocation
	number  int
}

type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	answer   chan answer
}

type answer struct {
	body []byte
	err  error
}

func newPool(binaries string, functions map[string]deployed.Function, environ func(*deployed.Function) []string, logs io.Writer) *pool {
	return &pool{binaries: binaries, functions: functions, environ: environ, logs: &lines{w: logs}, all: map[string]*function{}}
}

// lines writes what many processes say, one write at a time.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// invoke has the function answer the event. An error is the function's, or that it did not answer in time.
func (p *pool) invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	f, err := p.function(name)
	if err != nil {
		return nil, err
	}
	f.begun.Lock()
	defer f.begun.Unlock()
	f.mu.Lock()
	f.number++
	in := &invocation{id: fmt.Sprintf("%s-%d", name, f.number), event: event, deadline: time.Now().Add(f.most), answer: make(chan answer, 1)}
	f.current = in
	f.mu.Unlock()
	late := time.NewTimer(f.most)
	defer late.Stop()
	select {
	case f.next <- in:
	case <-f.gone:
		return nil, fmt.Errorf("%s ended; see the functions' log", name)
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-late.C:
		return nil, fmt.Errorf("%s does not ask for work", name)
	}
	select {
	case a := <-in.answer:
		return a.body, a.err
	case <-f.gone:
		return nil, fmt.Errorf("%s ended; see the functions' log", name)
	case <-late.C:
		p.drop(f) // as Lambda does
		return nil, fmt.Errorf("%s timed out after %v", name, f.most)
	}
}

// function gives the running function, and starts it at its first use or when its process has ended.
func (p *pool) function(name string) (*function, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f := p.all[name]; f != nil {
		select {
		case <-f.gone:
		default:
			return f, nil
		}
	}
	if p.ended {
		return nil, errors.New("the functions have been stopped")
	}
	made, ok := p.functions[name]
	if !ok {
		return nil, fmt.Errorf("no stack has a function %s", name)
	}
	f := &function{name: name, most: made.Timeout, next: make(chan *invocation), gone: make(chan struct{})}
	c := exec.Command(filepath.Join(p.binaries, made.Binary, "bootstrap"))
	c.Env = append([]string{"_HANDLER=" + name, "AWS_LAMBDA_FUNCTION_NAME=" + made.Name, "AWS_LAMBDA_RUNTIME_API=" + p.api + "/" + name}, p.environ(&made)...)
	c.Stdout, c.Stderr = p.logs, p.logs
	if err := c.Start(); err != nil {
		return nil, err
	}
	go func() { _ = c.Wait(); close(f.gone) }()
	f.stop = func() { _ = c.Process.Kill(); <-f.gone }
	p.all[name] = f
	return f, nil
}

func (p *pool) drop(f *function) {
	p.mu.Lock()
	if p.all[f.name] == f {
		delete(p.all, f.name)
	}
	p.mu.Unlock()
	f.stop()
}

// stop ends every process; none starts after it.
func (p *pool) stop() {
	p.mu.Lock()
	all := p.all
	p.all, p.ended = map[string]*function{}, true
	p.mu.Unlock()
	for _, f := range all {
		f.stop()
	}
}

// ServeHTTP is the Runtime API (2018-06-01), under the function's name.
func (p *pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/2018-06-01/runtime/")
	p.mu.Lock()
	f := p.all[name]
	p.mu.Unlock()
	if f == nil {
		http.NotFound(w, r)
		return
	}
	if rest == "invocation/next" && r.Method == http.MethodGet {
		f.hand(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cut short", http.StatusBadRequest)
		return
	}
	id, what, _ := strings.Cut(strings.TrimPrefix(rest, "invocation/"), "/")
	f.mu.Lock()
	in := f.current
	f.mu.Unlock()
	switch {
	case rest == "init/error":
		_, _ = p.logs.Write(append(body, '\n'))
	case in == nil || in.id != id:
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	case what == "response":
		in.answer <- answer{body: body}
	case what == "error":
		in.answer <- answer{err: fmt.Errorf("%s: %s", name, body)}
	default:
		http.NotFound(w, r)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

func (f *function) hand(w http.ResponseWriter, r *http.Request) {
	select {
	case in := <-f.next:
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", in.id)
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(in.deadline.UnixMilli(), 10))
		w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+region+":123456789012:function:"+f.name)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(in.event)
	case <-r.Context().Done():
	}
}
