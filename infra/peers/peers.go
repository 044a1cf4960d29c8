// Package peers starts the programs that stand in for AWS when adapters are tried: moto and cognito-local, each on a free loopback port, and
// stops them when the test ends. `make peers` installs them into .peers; tests that need one carry the build tag peers. Proxy, which stands
// between an SDK and a peer and does harm, needs none of them. Nothing in the product imports this package.
package peers

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Moto starts moto's server, one for all tests of a binary that ask with the same t, and gives its address.
func Moto(t testing.TB) string {
	t.Helper()
	port := free(t)
	return start(t, port, "/moto-api/data.json", nil, filepath.Join(folder(t), "moto", "bin", "moto_server"), "-H", "127.0.0.1", "-p", strconv.Itoa(port))
}

// CognitoLocal starts cognito-local with its data in the test's own folder and gives its address.
func CognitoLocal(t testing.TB) string {
	t.Helper()
	port := free(t)
	env := []string{"PORT=" + strconv.Itoa(port), "HOST=127.0.0.1"}
	return start(t, port, "/health", env, filepath.Join(folder(t), "cognito", "node_modules", ".bin", "cognito-local"))
}

// folder is where the peers are installed: STEWARD_PEERS, or .peers at the root of the repository.
func folder(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("STEWARD_PEERS")
	for up, err := os.Getwd(); dir == "" && err == nil && up != filepath.Dir(up); up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			dir = filepath.Join(up, ".peers")
		}
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("peers: nothing is installed (%v): run make peers", err)
	}
	return dir
}

func free(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// start runs the program until the test ends, and waits for it to answer.
func start(t testing.TB, port int, probe string, env []string, program string, args ...string) string {
	t.Helper()
	c := exec.Command(program, args...)
	c.Env, c.Dir = append(os.Environ(), env...), t.TempDir()
	log, err := os.Create(filepath.Join(c.Dir, "peer.log"))
	if err != nil {
		t.Fatal(err)
	}
	c.Stdout, c.Stderr = log, log
	if err := c.Start(); err != nil {
		t.Fatalf("peers: %v: run make peers", err)
	}
	gone := make(chan struct{})
	var once sync.Once
	go func() { _ = c.Wait(); close(gone) }()
	t.Cleanup(func() {
		once.Do(func() { _ = c.Process.Kill() })
		<-gone
		_ = log.Close()
	})
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	for range 600 {
		r, err := http.Get(url + probe)
		if err == nil {
			_ = r.Body.Close()
			return url
		}
		select {
		case <-gone:
			said, _ := os.ReadFile(log.Name())
			t.Fatalf("peers: %s ended: %s", filepath.Base(program), said)
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Fatalf("peers: %s does not answer", filepath.Base(program))
	return ""
}
