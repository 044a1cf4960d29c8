package local_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/local"
)

const childEnv = "IDENTITY_TEST_CHILD"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		child(path)
		return
	}
	goleak.VerifyTestMain(m)
}

// child works on the file until it is killed, and says what was acknowledged.
func child(path string) {
	c := newClock()
	p, err := local.Open(path, local.Options{Now: c.Now, Key: key, Cost: local.Cheap})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	ids := id.NewSource(time.Now, randomness{})
	for {
		n := identity.NameOf(id.New[id.Tenant](ids), id.New[id.User](ids))
		if err := work(p, n); err != nil {
			fmt.Println("error", err)
			return
		}
	}
}

type randomness struct{}

func (randomness) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = byte(rand.Uint32())
	}
	return len(b), nil
}

func work(p *local.Provider, n identity.Name) error {
	ctx := context.Background()
	if err := p.CreateUser(ctx, n, mail, mobile, temporary, time.Hour); err != nil {
		return err
	}
	fmt.Println("created", n)
	out, err := p.Authenticate(ctx, n, temporary)
	if err != nil {
		return err
	}
	if out, err = p.AnswerNewPassword(ctx, n, out.Session, permanent); err != nil {
		return err
	}
	fmt.Println("answered", n, out.Tokens.Refresh)
	next, err := p.Refresh(ctx, out.Tokens.Refresh)
	if err != nil {
		return err
	}
	fmt.Println("refreshed", n, next.Refresh, out.Tokens.Refresh)
	if err := p.Disable(ctx, n); err != nil {
		return err
	}
	fmt.Println("disabled", n, next.Refresh)
	return nil
}

// TestKill kills a process that works on the file, again and again, and demands that nothing acknowledged is lost and that the file is
// whole.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	kills := 25
	if testing.Short() {
		kills = 5
	}
	acknowledged := 0
	for range kills {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		last := map[string][]string{} // of each user: what was acknowledged last
		stop := 1 + rand.IntN(40)
		lines := bufio.NewScanner(out)
		for n := 0; n < stop && lines.Scan(); n++ {
			f := strings.Fields(lines.Text())
			if f[0] == "error" {
				t.Fatal(lines.Text())
			}
			last[f[1]] = f
			acknowledged++
		}
		must(t, cmd.Process.Kill())
		for lines.Scan() { // acknowledged between our last look and the kill
			if f := strings.Fields(lines.Text()); len(f) > 1 && complete(f) {
				last[f[1]] = f
			}
		}
		_ = cmd.Wait() // killed, as it should be
		verify(t, path, last)
	}
	t.Logf("%d kills, %d steps acknowledged", kills, acknowledged)
}

// complete reports whether the kill did not cut the line.
func complete(f []string) bool {
	want := map[string]int{"created": 2, "answered": 3, "refreshed": 4, "disabled": 3}[f[0]]
	return len(f) == want && (want < 3 || len(f[2]) == 43) && (want < 4 || len(f[3]) == 43)
}

// verify demands of each user at least what was acknowledged last. The step after it may have happened too: its answer was on the way.
func verify(t *testing.T, path string, last map[string][]string) {
	t.Helper()
	c := newClock()
	p, err := local.Open(path, local.Options{Now: c.Now, Key: key, Cost: local.Cheap})
	must(t, err)
	defer func() { must(t, p.Close()) }()
	for name, f := range last {
		n := identity.Name(name)
		u, err := p.GetUser(t.Context(), n)
		if err != nil {
			t.Fatalf("%s, then lost: %v", f[0], err)
		}
		switch f[0] {
		case "created":
		case "answered":
			if u.PasswordIsTemp {
				t.Error("an answered invitation is open again")
			}
		case "refreshed":
			_, err := p.Refresh(t.Context(), f[3])
			refused(t, "a token that was spent before the kill", err)
		case "disabled":
			if u.Enabled {
				t.Error("a disabled user is enabled")
			}
			_, err := p.Refresh(t.Context(), f[2])
			refused(t, "a token of a user who was disabled before the kill", err)
		}
	}
}
