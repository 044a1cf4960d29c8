package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

//go:embed moto.py
var starter string

// startMoto starts moto on a free port and gives its URL.
func startMoto(ctx context.Context, o options) (string, func(), error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		return "", nil, err
	}
	program := filepath.Join(o.peers, "moto", "bin", "python3")
	log, err := os.Create(filepath.Join(o.data, "moto.log"))
	if err != nil {
		return "", nil, err
	}
	c := exec.Command(program, "-c", starter, "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		return "", nil, fmt.Errorf("%w: run make peers", err)
	}
	gone := make(chan struct{})
	go func() { _ = c.Wait(); close(gone) }()
	stop := func() {
		_ = c.Process.Kill()
		<-gone
		_ = log.Close()
	}
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	for range 600 {
		if r, err := http.Get(url + "/moto-api/data.json"); err == nil {
			_ = r.Body.Close()
			return url, stop, nil
		}
		select {
		case <-gone:
			return "", nil, fmt.Errorf("moto ended; see %s", log.Name())
		case <-ctx.Done():
			stop()
			return "", nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	stop()
	return "", nil, errors.New("moto does not answer")
}
