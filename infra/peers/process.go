package peers

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// Program is a stand-in as make peers installs it.
type Program struct {
	name  string
	path  string // below the folder of the peers
	probe string // a path that it answers once it serves
	on    func(port string) (args, env []string)
}

// MotoServer is moto.
func MotoServer() Program { return moto("moto_server") }

// MotoServerBy is moto, started by a Python script that changes it first.
func MotoServerBy(script string) Program { return moto("python3", "-c", script) }

func moto(binary string, first ...string) Program {
	return Program{name: "moto", path: "moto/bin/" + binary, probe: "/moto-api/data.json", on: func(port string) (args, env []string) {
		return append(first, "-H", "127.0.0.1", "-p", port), nil
	}}
}

// CognitoServer is cognito-local. It keeps its data, passwords in clear, in a folder .cognito of the one that it works in.
func CognitoServer() Program {
	return Program{name: "cognito-local", path: "cognito/node_modules/.bin/cognito-local", probe: "/health", on: func(port string) (args, env []string) {
		return nil, []string{"PORT=" + port, "HOST=127.0.0.1"}
	}}
}

// Process is a program that was started.
type Process struct {
	URL string

	probe string
	name  string
	log   *os.File
	stop  func()
	gone  chan struct{}
}

// Start starts the program on a free loopback port, with its log and its data in the folder work; installed is where make peers has put it.
// Whoever starts it stops it.
func (p Program) Start(installed, work string) (*Process, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
	if err := l.Close(); err != nil {
		return nil, err
	}
	path, err := filepath.Abs(filepath.Join(installed, p.path)) // it works in another folder
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(work, p.name+".log"))
	if err != nil {
		return nil, err
	}
	args, env := p.on(port)
	c := exec.Command(path, args...)
	c.Env, c.Dir = append(os.Environ(), env...), work
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		_ = log.Close()
		return nil, fmt.Errorf("%s: %w: run make peers", p.name, err)
	}
	gone := make(chan struct{})
	go func() { _ = c.Wait(); close(gone) }()
	stop := sync.OnceFunc(func() {
		_ = c.Process.Kill()
		<-gone
		_ = log.Close()
	})
	return &Process{URL: "http://127.0.0.1:" + port, probe: p.probe, name: p.name, log: log, stop: stop, gone: gone}, nil
}

// Stop ends the program. It may be called again.
func (p *Process) Stop() { p.stop() }

// Ready waits until the program answers, for a minute at most.
func (p *Process) Ready(ctx context.Context) error {
	for range 1200 {
		if r, err := http.Get(p.URL + p.probe); err == nil {
			_ = r.Body.Close()
			return nil
		}
		select {
		case <-p.gone:
			said, _ := os.ReadFile(p.log.Name())
			return fmt.Errorf("%s ended, with %s: %s", p.name, p.log.Name(), said)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s does not answer; see %s", p.name, p.log.Name())
}
