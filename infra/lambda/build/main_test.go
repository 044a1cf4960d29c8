package main

import (
	"archive/zip"
	"bytes"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/infra/lambda/build/prune"
)

// TestPack: the same binary gives the same archive, which holds one file that can be run.
func TestPack(t *testing.T) {
	binary := bytes.Repeat([]byte("binary"), 10_000)
	a, err := pack(binary)
	if err != nil {
		t.Fatal(err)
	}
	b, err := pack(binary)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two archives differ: %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
	if err != nil || len(z.File) != 1 {
		t.Fatalf("%v", err)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, binary) || z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm() != 0o755 {
		t.Errorf("%s %v: %d bytes, %v", z.File[0].Name, z.File[0].Mode(), len(got), err)
	}
}

// TestWithoutHTTP2: binaries that leave HTTP/2 out do not offer it, so that a service which prefers it answers by HTTP/1.1.
func TestWithoutHTTP2(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	dir := t.TempDir()
	trusted, client := filepath.Join(dir, "server.pem"), filepath.Join(dir, "client")
	if err := os.WriteFile(trusted, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		flags []string
		want  string
	}{{Flags, "200 HTTP/1.1"}, {nil, "200 HTTP/2.0"}} {
		build := exec.Command("go", slices.Concat([]string{"build", "-o", client}, c.flags, []string{"./testdata/client"})...)
		if out, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if out, err := exec.Command(client, s.URL, trusted).CombinedOutput(); err != nil || string(out) != c.want {
			t.Errorf("with the flags %q: %s, %v; want %s", c.flags, out, err, c.want)
		}
	}
}

// TestCutTooMuch: a binary that needs what was left out of a client is not built.
func TestCutTooMuch(t *testing.T) {
	t.Chdir("../../..")
	folder, err := os.MkdirTemp(".", ".prune-") // in the repository: go.mod names it by its way from there
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	cut, err := prune.Clients(folder, Tags, "./infra/lambda/build/prune/testdata/get")
	if err != nil {
		t.Fatal(err)
	}
	if err := build(cut, "due", runtime.GOARCH, filepath.Join(t.TempDir(), "due")); err == nil || !strings.Contains(err.Error(), "(*QueryInput).Serialize needs QueryInput") {
		t.Errorf("it says %v", err)
	}
}
