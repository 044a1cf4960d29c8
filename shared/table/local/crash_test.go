package local_test

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// said is what a child said before it was killed.
type said struct {
	tried map[int]step
	done  map[int]bool
}

// kill runs a child on the file and kills it after some time. It gives what the child had said by then.
func kill(t *testing.T, path string, round int, how string, after time.Duration) said {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+strings.Join([]string{path, fmt.Sprint(round), how}, "|"))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	alarm := time.AfterFunc(after, func() { _ = c.Process.Kill() })
	defer alarm.Stop()
	s := said{tried: map[int]step{}, done: map[int]bool{}}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // a line without an end was not said
			break
		}
		words := strings.Fields(line)
		switch words[0] {
		case "try":
			st, err := parseStep(words[1:])
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			s.tried[st.N] = st
		case "done":
			n, err := strconv.Atoi(words[1])
			if err != nil {
				t.Fatal(err)
			}
			s.done[n] = true
		}
	}
	if err := c.Wait(); c.ProcessState.ExitCode() != -1 {
		t.Fatalf("the child ended by itself: %v", err)
	}
	return s
}

const kills = 200

// TestCrash kills a writing process at random moments and looks at what it left.
func TestCrash(t *testing.T) {
	var a account
	var path string
	commits := 0
	for round := range kills {
		if round%25 == 0 { // a new file: some kills hit its making
			path = filepath.Join(t.TempDir(), "table.db")
			a = account{}
		}
		heard := kill(t, path, round, "whole", time.Duration(5+rand.IntN(75))*time.Millisecond)
		commits += len(heard.done)
		if err := a.settle(t.Context(), path, heard); err != nil {
			t.Fatalf("kill %d: %v", round, err)
		}
	}
	t.Logf("%d kills, %d acknowledged commits, none lost", kills, commits)
	if commits < 5*kills {
		t.Errorf("only %d commits: the kills hit nothing", commits)
	}
}

// TestCrashFindsTornCommits takes the transaction away from the child, and demands that the test above would see it.
func TestCrashFindsTornCommits(t *testing.T) {
	for round := range 40 {
		path := filepath.Join(t.TempDir(), "table.db")
		heard := kill(t, path, round, "torn", time.Duration(60+rand.IntN(60))*time.Millisecond)
		s, err := local.Open(path, local.Options{Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		a := account{}
		for n, st := range heard.tried { // what the file has is taken as tried: only its parts must fit
			if items, _ := s.Get(t.Context(), eventKey(n)); len(items) == 1 {
				a[n] = st
			}
		}
		err = a.audit(t.Context(), s)
		_ = s.Close()
		if err != nil {
			t.Logf("found after %d kills: %v", round+1, err)
			return
		}
	}
	t.Error("commits were torn, and 40 kills did not show it")
}

// TestAuditFindsDamage breaks a good file in one place at a time.
func TestAuditFindsDamage(t *testing.T) {
	first := func(bucket string) func(*bolt.Tx) error {
		return func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(bucket))
			k, _ := b.Cursor().First()
			return b.Delete(k)
		}
	}
	for what, damage := range map[string]struct {
		file   func(*bolt.Tx) error      // behind the table's back
		port   []table.Write             // through it: a whole file that tells another story
		claim  func(account, *said) bool // of the child
		unseen bool                      // by Verify: nothing points to a key, and the log is trimmed by and by
	}{
		"nothing":               {},
		"an entry lost in G1":   {file: first("1")},
		"an entry lost in G3":   {file: first("3")},
		"an expiry entry lost":  {file: first("x")},
		"an item lost":          {file: first("d")},
		"a key lost":            {file: first("k"), unseen: true},
		"the log's oldest lost": {file: first("l"), unseen: true},
		"a record of the log lost": {file: func(tx *bolt.Tx) error {
			c := tx.Bucket([]byte("l")).Cursor()
			c.First()
			k, _ := c.Next()
			return tx.Bucket([]byte("l")).Delete(k)
		}},
		"an entry without an item": {file: func(tx *bolt.Tx) error {
			return tx.Bucket([]byte("4")).Put([]byte("\x00\x01gs\x00\x01p\x00\x01s"), nil)
		}},
		"an event undone":            {port: []table.Write{table.Delete(eventKey(3), table.Present)}},
		"a thing undone":             {port: []table.Write{table.Delete(thingKey("a"), table.Present)}},
		"a thing's key undone":       {port: []table.Write{table.Delete(secretKey("a"), table.Present)}},
		"a thing written once more":  {port: []table.Write{table.Put(table.Item{Key: thingKey("a"), Doc: []byte(`{"n":4}`)}, table.Present)}},
		"an unheard event":           {port: []table.Write{table.Put(table.Item{Key: eventKey(9), Doc: []byte(`{}`)}, table.Absent)}},
		"an acknowledged one missed": {claim: func(_ account, h *said) bool { h.done[5] = true; return true }},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "table.db")
			a, heard := account{}, said{tried: map[int]step{}, done: map[int]bool{}}
			edit := func(f func(s *local.Store)) {
				s, err := local.Open(path, local.Options{Now: time.Now, NoSync: true})
				if err != nil {
					t.Fatal(err)
				}
				f(s)
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
			}
			edit(func(s *local.Store) {
				for _, st := range []step{{1, "a", 0, false}, {2, "b", 0, false}, {3, "a", 1, false}, {4, "a", 2, false}} {
					if err := s.Commit(t.Context(), st.token(), st.writes()...); err != nil {
						t.Fatal(err)
					}
					a[st.N], heard.done[st.N] = st, true
				}
				if damage.port != nil {
					if err := s.Commit(t.Context(), "damage", damage.port...); err != nil {
						t.Fatal(err)
					}
				}
			})
			if damage.file != nil {
				db, err := bolt.Open(path, 0o600, nil)
				if err != nil {
					t.Fatal(err)
				}
				if err := errors.Join(db.Update(damage.file), db.Close()); err != nil {
					t.Fatal(err)
				}
				edit(func(s *local.Store) {
					if err := s.Verify(t.Context()); (err == nil) != damage.unseen {
						t.Errorf("Verify says: %v", err)
					}
				})
			}
			if damage.claim != nil {
				damage.claim(a, &heard)
			}
			err := a.settle(t.Context(), path, heard)
			if (err == nil) != (what == "nothing") {
				t.Errorf("the audit says: %v", err)
			}
		})
	}
}
