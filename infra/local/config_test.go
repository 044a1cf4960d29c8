package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/key"
	keyslocal "github.com/steward-crm/steward/shared/keys/local"
	notifylocal "github.com/steward-crm/steward/shared/notify/local"
	"github.com/steward-crm/steward/shared/schema"
	"github.com/steward-crm/steward/shared/table"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// TestMistakesInTheConfiguration: each is one line that says what, where and how to mend it, and exit status 2, before anything is served.
func TestMistakesInTheConfiguration(t *testing.T) { // bad input 104
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, row := range []struct {
		name  string
		args  []string
		spoil func(t *testing.T, data string)
		says  []string
	}{
		{name: "an unknown flag", args: []string{"--adress", "127.0.0.1:0"}, says: []string{"--adress", "--help"}},
		{name: "a flag misspelt", args: []string{"--dtaa", "x"}, says: []string{"did you mean --data?"}},
		{name: "a flag cut short", args: []string{"--epheme"}, says: []string{"did you mean --ephemeral?"}},
		{name: "an argument too many", args: []string{"serve"}, says: []string{"unknown argument serve"}},
		{name: "a flag without its value", args: []string{"--addr"}, says: []string{"--addr needs a value"}},
		{name: "a value for a switch", args: []string{"--ephemeral=yes"}, says: []string{"--ephemeral takes no value"}},
		{name: "two that exclude each other", args: []string{"--ephemeral", "--data", "x"}, says: []string{"exclude each other"}},
		{name: "an address without a port", args: []string{"--addr", "127.0.0.1"}, says: []string{"HOST:PORT"}},
		{name: "a port that is none", args: []string{"--addr", "127.0.0.1:http"}, says: []string{"0 to 65535"}},
		{name: "a port too high", args: []string{"--addr", "127.0.0.1:65536"}, says: []string{"0 to 65535"}},
		{name: "every interface", args: []string{"--addr", "0.0.0.0:0"}, says: []string{"loopback only", "127.0.0.1"}},
		{name: "every interface, unsaid", args: []string{"--addr", ":0"}, says: []string{"loopback only"}},
		{name: "an address of the network", args: []string{"--addr", "192.168.1.7:0"}, says: []string{"loopback only"}},
		{name: "a port in use", args: []string{"--addr", taken.Addr().String()}, says: []string{"in use", "another port"}},
		{
			name: "a data folder that is a file", says: []string{"--data", "name a folder"},
			spoil: func(t *testing.T, data string) { write(t, data, "x", 0o600) },
		},
		{
			name: "a key file that others can read", says: []string{keyFile, "chmod 600"},
			spoil: func(t *testing.T, data string) {
				mkdir(t, data)
				write(t, filepath.Join(data, keyFile), "{}", 0o644)
			},
		},
		{
			name: "a key file that is none", says: []string{keyFile},
			spoil: func(t *testing.T, data string) {
				mkdir(t, data)
				write(t, filepath.Join(data, keyFile), "{", 0o600)
			},
		},
		{
			name: "a store whose key file is gone", says: []string{keyFile, "put it back"},
			spoil: func(t *testing.T, data string) {
				mkdir(t, data)
				write(t, filepath.Join(data, storeFile), "", 0o600)
			},
		},
		{
			name: "a webhook secret that others can read", says: []string{secretFile, "chmod 600"},
			spoil: func(t *testing.T, data string) {
				mkdir(t, data)
				write(t, filepath.Join(data, secretFile), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G\n", 0o640)
			},
		},
		{
			name: "a webhook secret that is none", says: []string{secretFile, "whsec_"},
			spoil: func(t *testing.T, data string) {
				mkdir(t, data)
				write(t, filepath.Join(data, secretFile), "secret\n", 0o600)
			},
		},
		{
			name: "a webhook secret too short", says: []string{secretFile, "24 to 64 bytes"},
			spoil: func(t *testing.T, data string) {
				mkdir(t, data)
				write(t, filepath.Join(data, secretFile), "whsec_c2hvcnQ=\n", 0o600)
			},
		},
		{
			name: "a store that is none", says: []string{storeFile},
			spoil: func(t *testing.T, data string) {
				mkdir(t, data)
				write(t, filepath.Join(data, storeFile), strings.Repeat("not a store ", 4000), 0o600)
				if _, err := keyslocal.Open(filepath.Join(data, keyFile), time.Now, rand.Reader); err != nil {
					t.Fatal(err)
				}
			},
		},
		{
			name: "a store of a newer version", says: []string{"newer version", "reads up to"},
			spoil: func(t *testing.T, data string) {
				mkdir(t, data)
				if _, err := keyslocal.Open(filepath.Join(data, keyFile), time.Now, rand.Reader); err != nil {
					t.Fatal(err)
				}
				s, err := tablelocal.Open(filepath.Join(data, storeFile), tablelocal.Options{Now: time.Now})
				if err != nil {
					t.Fatal(err)
				}
				it := table.Item{Key: key.Control("SCHEMA", "version"), Doc: fmt.Appendf(nil, `{"version":%d}`, schema.Version+1)}
				if err := errors.Join(s.Commit(t.Context(), "newer", table.Put(it, table.Absent)), s.Close()); err != nil {
					t.Fatal(err)
				}
			},
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			args := row.args
			if args == nil {
				args = []string{"--addr", "127.0.0.1:0"}
			}
			if row.spoil != nil {
				data := filepath.Join(t.TempDir(), "data")
				row.spoil(t, data)
				args = append(args, "--data", data)
			}
			var stdout, stderr bytes.Buffer
			if got := run(context.Background(), args, &stdout, &stderr); got != 2 {
				t.Errorf("exit status %d, want 2", got)
			}
			line := stderr.String()
			if strings.Count(line, "\n") != 1 || !strings.HasPrefix(line, "steward: ") {
				t.Errorf("want one line, got %q", line)
			}
			for _, s := range row.says {
				if !strings.Contains(line, s) {
					t.Errorf("%q does not say %q", line, s)
				}
			}
			if stdout.Len() > 0 {
				t.Errorf("it served: %s", stdout.String())
			}
		})
	}
}

func TestHelp(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if got := run(context.Background(), []string{"--help"}, &stdout, &stderr); got != 0 || !strings.HasPrefix(stdout.String(), "usage:") {
		t.Fatalf("status %d, %q", got, stdout.String())
	}
}

// TestOutboxAnswersLoopbackOnly: the outbox holds temporary passwords.
func TestOutboxAnswersLoopbackOnly(t *testing.T) {
	box, err := notifylocal.Open(filepath.Join(t.TempDir(), outboxFile))
	if err != nil {
		t.Fatal(err)
	}
	defer box.Close()
	for _, row := range []struct {
		name, peer, host, method string
		want                     int
	}{
		{"loopback", "127.0.0.1:5000", "127.0.0.1:3000", http.MethodGet, 200},
		{"loopback by name", "[::1]:5000", "localhost:3000", http.MethodGet, 200},
		{"another machine", "192.168.1.9:5000", "127.0.0.1:3000", http.MethodGet, 404},
		{"a page of another site, its name bound to this machine", "127.0.0.1:5000", "evil.example:3000", http.MethodGet, 404},
		{"another method", "127.0.0.1:5000", "127.0.0.1:3000", http.MethodPost, 405},
	} {
		r := httptest.NewRequest(row.method, "/_local/outbox", nil)
		r.RemoteAddr, r.Host = row.peer, row.host
		w := httptest.NewRecorder()
		outbox(box).ServeHTTP(w, r)
		if w.Code != row.want {
			t.Errorf("%s: %d, want %d", row.name, w.Code, row.want)
		}
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask says
		t.Fatal(err)
	}
}
