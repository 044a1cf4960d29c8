// Package peers starts the programs that stand in for AWS: moto and cognito-local, each on a free loopback port, for a test until it ends and for
// make run-lambda. It puts what an SDK asks in words that they know, and knows what they add of their own. `make peers` installs them into .peers;
// tests that need one carry the build tag peers. Proxy, which stands between an SDK and a peer and does harm, needs none of them. Nothing in the
// product imports this package.
package peers

import (
	"os"
	"path/filepath"
	"testing"
)

// Moto starts moto's server and gives its address.
func Moto(t testing.TB) string {
	t.Helper()
	return start(t, MotoServer())
}

// CognitoLocal starts cognito-local with its data in the test's own folder and gives its address.
func CognitoLocal(t testing.TB) string {
	t.Helper()
	return start(t, CognitoServer())
}

// Installed is where the peers are installed: STEWARD_PEERS, or .peers at the root of the repository.
func Installed(t testing.TB) string {
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

// start runs the program until the test ends, and waits for it to answer.
func start(t testing.TB, p Program) string {
	t.Helper()
	running, err := p.Start(Installed(t), t.TempDir())
	if err == nil {
		t.Cleanup(running.Stop)
		err = running.Ready(t.Context())
	}
	if err != nil {
		t.Fatalf("peers: %v", err)
	}
	return running.URL
}
