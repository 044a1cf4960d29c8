package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
)

// childArgs makes the test binary be the process itself: see TestMain.
const childArgs = "STEWARD_TEST_CHILD_ARGS"

func TestMain(m *testing.M) {
	if args, ok := os.LookupEnv(childArgs); ok {
		os.Exit(run(context.Background(), strings.Fields(args), os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// TestNoPlainValueAtRest runs the product as a process of its own, has it keep and touch some 200 personal values and secrets, kills it without
// warning, and looks for each of them in every file it left and in its log: plain, in hex, base64 and UTF-16 (I22, E01). The outbox stands for
// people's mailboxes and is left out. Then it starts the product again and reads back every change that was acknowledged.
func TestNoPlainValueAtRest(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	child := startChild(t, data)
	s := child.story
	var canaries []string
	keep := func(format string, args ...any) string {
		v := fmt.Sprintf(format, args...)
		canaries = append(canaries, v)
		return v
	}

	s.onboard([]string{"canary"})
	canaries = append(canaries, "admin@canary.example.com", s.ts.Getenv("admin_password"), s.tokens["admin"], s.ts.Getenv("admin_refresh"))
	var accounts []string
	for n := range 30 {
		body := fmt.Sprintf(`{"name":"Kunde %d","email":%q,"phone":%q,"idNumber":%q,"contacts":[{"name":"K","email":%q,"phone":%q}]}`, n,
			keep("canary-account-%d@example.org", n), keep("+4930%07d", 7654000+n), keep("ID-CANARY-%d-Q", 900+n),
			keep("canary-contact-%d@example.org", n), keep("+4940%07d", 8765000+n))
		if n%3 == 0 {
			s.next.Set("Idempotency-Key", fmt.Sprint("key-", n))
		}
		s.call([]string{http.MethodPost, "/v1/accounts", body})
		s.wantStatus([]string{"201"})
		accounts = append(accounts, s.member("id"))
	}
	for n, acct := range accounts { // what was before stays in nobody's file either
		s.call([]string{http.MethodGet, "/v1/accounts/" + acct})
		s.next.Set("If-Match", s.member("header.ETag"))
		s.call([]string{http.MethodPatch, "/v1/accounts/" + acct, fmt.Sprintf(`{"email":%q}`, keep("canary-changed-%d@example.org", n))})
		s.wantStatus([]string{"200"})
	}
	for n := range 8 {
		email := keep("canary-user-%d@example.org", n)
		s.call([]string{http.MethodPost, "/v1/users", fmt.Sprintf(`{"name":"U %d","email":%q,"phone":%q}`, n, email, keep("+8613900%06d", 123400+n))})
		s.wantStatus([]string{"201"})
		if n < 2 {
			name := fmt.Sprint("u", n)
			s.enter([]string{name, email})
			canaries = append(canaries, s.ts.Getenv(name+"_password"), s.tokens[name], s.ts.Getenv(name+"_refresh"))
		}
		canaries = append(canaries, s.sent(email, "invitation", "temporaryPassword"))
	}
	s.as([]string{"nobody"})
	for n := range 5 { // what fails must not be kept either
		s.call([]string{
			http.MethodPost, "/v1/auth/sign-in",
			fmt.Sprintf(`{"tenant":"canary","email":%q,"password":%q}`, keep("canary-guess-%d@example.org", n), keep("canary-guess-Password-%d", n)),
		})
	}
	if len(canaries) < 200 {
		t.Fatalf("%d canaries only", len(canaries))
	}
	child.kill(t)

	files := 0
	find := func(name string, content []byte) {
		files++
		for _, c := range canaries {
			for form, b := range forms(c) {
				if bytes.Contains(content, b) {
					t.Errorf("%s holds %s of the value %.24q", name, form, c)
				}
			}
		}
	}
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == outboxFile {
			return err
		}
		b, err := os.ReadFile(path)
		find(d.Name(), b)
		return err
	})
	if err != nil || files < 3 {
		t.Fatalf("looked into %d files, %v", files, err)
	}
	find("the log", child.log.Bytes())
	if child.log.Len() == 0 {
		t.Error("the log is empty: nothing was looked at")
	}
	// The search itself must be able to find: the outbox holds what the files may not.
	b, err := os.ReadFile(filepath.Join(data, outboxFile))
	if err != nil || !bytes.Contains(b, []byte("canary-user-1@example.org")) {
		t.Fatalf("the outbox does not hold what was sent: %v", err)
	}

	again := startChild(t, data)
	again.story.tokens = s.tokens
	again.story.as([]string{"admin"})
	for n, acct := range accounts {
		again.story.call([]string{http.MethodGet, "/v1/accounts/" + acct})
		again.story.wantStatus([]string{"200"})
		again.story.match([]string{"email", fmt.Sprintf("^canary-changed-%d@", n)})
	}
	again.kill(t)
}

// forms are the ways in which a value might lie in a file.
func forms(v string) map[string][]byte {
	wide := make([]byte, 0, 2*len(v))
	for _, u := range utf16.Encode([]rune(v)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	all := map[string][]byte{
		"the bytes": []byte(v), "the hex": []byte(hex.EncodeToString([]byte(v))), "the upper-case hex": []byte(strings.ToUpper(hex.EncodeToString([]byte(v)))),
		"the UTF-16": wide,
	}
	for shift := range 3 { // within a longer text, base64 looks in three ways
		b := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), v...))
		all[fmt.Sprint("the base64, shift ", shift)] = []byte(b[(shift*8+5)/6 : (shift+len(v))*8/6])
	}
	return all
}

// child is the product in a process of its own.
type child struct {
	story *story
	cmd   *exec.Cmd
	log   bytes.Buffer
}

func startChild(t *testing.T, data string) *child {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &child{cmd: exec.Command(self)}
	c.cmd.Env = append(os.Environ(), childArgs+"=--addr 127.0.0.1:0 --data "+data)
	c.cmd.Stderr = &c.log
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.cmd.Process.Kill() })
	line := make([]byte, 512)
	n, err := out.Read(line)
	first, _, _ := strings.Cut(string(line[:n]), "\n")
	url, ok := strings.CutPrefix(first, "listening on ")
	if err != nil || !ok {
		_ = c.cmd.Wait()
		t.Fatalf("the process did not come up: %q, %v, %s", first, err, c.log.String())
	}
	go func() { _, _ = bytes.NewBuffer(nil).ReadFrom(out) }()
	secrets, err := readSecrets(filepath.Join(data, secretFile))
	if err != nil {
		t.Fatal(err)
	}
	c.story = &story{
		ts: &testRunner{t, map[string]string{}}, process: &process{url: url}, secret: secrets[0],
		tokens: map[string]string{"nobody": ""}, who: "nobody", next: http.Header{},
	}
	return c
}

// kill ends the process as a power cut would.
func (c *child) kill(t *testing.T) {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { _ = c.cmd.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal("the process outlived its kill")
	}
}

// testRunner runs a story without a script.
type testRunner struct {
	testing.TB
	env map[string]string
}

func (r *testRunner) Getenv(name string) string   { return r.env[name] }
func (r *testRunner) Setenv(name, value string)   { r.env[name] = value }
func (r *testRunner) ReadFile(name string) string { r.Fatalf("no file %s", name); return "" }
func (r *testRunner) Logf(string, ...any)         {}
func (r *testRunner) Check(err error) {
	if err != nil {
		r.Helper()
		r.Fatal(err)
	}
}
