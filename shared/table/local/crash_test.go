package local_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
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

// account is what must be in the file: every event, and from them every thing.
type account map[int]step

// audit holds the file against the account. Events in the file that the account does not know are an error too.
func (a account) audit(ctx context.Context, s *local.Store) error {
	if err := s.Verify(ctx); err != nil {
		return err
	}
	events, err := everything(ctx, s, table.Query{PK: "events"})
	if err != nil {
		return err
	}
	last := map[string]step{}
	count := map[string]int{}
	for _, e := range events {
		n, err := strconv.Atoi(e.SK)
		if err != nil {
			return err
		}
		st, ok := a[n]
		if !ok {
			return fmt.Errorf("event %d that nobody tried", n)
		}
		var doc struct {
			Thing string `json:"thing"`
			Base  int64  `json:"base"`
			Gone  bool   `json:"gone"`
		}
		if err := json.Unmarshal(e.Doc, &doc); err != nil {
			return err
		}
		if (step{N: n, Thing: doc.Thing, Base: doc.Base, Gone: doc.Gone}) != st {
			return fmt.Errorf("event %d says %+v, tried was %+v", n, doc, st)
		}
		if before := last[st.Thing]; before.after() != st.Base {
			return fmt.Errorf("event %d starts from version %d, the one before left %d", n, st.Base, before.after())
		}
		last[st.Thing] = st
		count[st.Thing]++
	}
	if len(events) != len(a) {
		return fmt.Errorf("%d events of %d commits", len(events), len(a))
	}
	return errors.Join(auditThings(ctx, s, last), auditEventIndex(ctx, s, count), auditFeed(ctx, s))
}

// after is the thing's version after the step; 0: it is gone.
func (s step) after() int64 {
	if s.Gone || s.N == 0 {
		return 0
	}
	return s.Base + 1
}

// auditThings demands of each thing that it, its key and its index entries are what its last event says.
func auditThings(ctx context.Context, s *local.Store, last map[string]step) error {
	things, err := everything(ctx, s, table.Query{PK: "things"})
	if err != nil {
		return err
	}
	listed := map[string][]string{}
	for _, q := range []table.Query{{Index: table.G1, PK: "newest"}, {Index: table.G2, PK: "by 0"}, {Index: table.G2, PK: "by 1"}, {Index: table.G2, PK: "by 2"}} {
		entries, err := everything(ctx, s, q)
		if err != nil {
			return err
		}
		for _, e := range entries {
			listed[e.SK] = append(listed[e.SK], fmt.Sprint(q.Index, q.PK, e.Index[q.Index].SK))
		}
	}
	live := 0
	for _, st := range last {
		secret, err := s.Get(ctx, secretKey(st.Thing))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(things, func(it table.Item) bool { return it.SK == st.Thing })
		if st.Gone {
			if i >= 0 || len(secret) != 0 || listed[st.Thing] != nil {
				return fmt.Errorf("%s is deleted by event %d, and parts of it are there", st.Thing, st.N)
			}
			continue
		}
		live++
		if i < 0 || len(secret) != 1 {
			return fmt.Errorf("%s was written by event %d, and is not there, or without its key", st.Thing, st.N)
		}
		want := fmt.Sprintf(`{"n":%d}`, st.N)
		if string(things[i].Doc) != want || things[i].Version != st.after() || len(things[i].Sealed) != 100+st.N%5000 || string(secret[0].Doc) != want {
			return fmt.Errorf("%s is %s, its key %s, by event %d", st.Thing, things[i].Doc, secret[0].Doc, st.N)
		}
		sk := eventKey(st.N).SK
		entries := []string{fmt.Sprint(table.G1, "newest", sk), fmt.Sprint(table.G2, "by ", st.N%3, sk)}
		if !slices.Equal(listed[st.Thing], entries) {
			return fmt.Errorf("%s is listed as %v, want %v", st.Thing, listed[st.Thing], entries)
		}
	}
	if live != len(things) || live != len(listed) {
		return fmt.Errorf("%d things, %d listed, %d by their events", len(things), len(listed), live)
	}
	return nil
}

func auditEventIndex(ctx context.Context, s *local.Store, count map[string]int) error {
	for thing, want := range count {
		entries, err := everything(ctx, s, table.Query{Index: table.G3, PK: "events of " + thing})
		if err != nil {
			return err
		}
		if len(entries) != want {
			return fmt.Errorf("%d events listed for %s, want %d", len(entries), thing, want)
		}
	}
	return nil
}

// auditFeed demands that the feed, applied from its start, gives the table.
func auditFeed(ctx context.Context, s *local.Store) error {
	state := map[table.Key]table.Item{}
	position := ""
	for {
		list, next, err := s.Changes(ctx, position, 1000)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			break
		}
		for _, c := range list {
			if c.After == nil {
				delete(state, c.Before.Key)
			} else {
				state[c.After.Key] = *c.After
			}
		}
		position = next
	}
	n := 0
	for it, err := range s.Scan(ctx, 0, 1) {
		if err != nil {
			return err
		}
		if n++; !reflect.DeepEqual(state[it.Key], it) {
			return fmt.Errorf("the feed says otherwise of %v", it.Key)
		}
	}
	if n != len(state) {
		return fmt.Errorf("the feed gives %d items, the table has %d", len(state), n)
	}
	return nil
}

func everything(ctx context.Context, s *local.Store, q table.Query) ([]table.Item, error) {
	var out []table.Item
	q.Limit = table.MaxLimit
	for {
		p, err := s.Query(ctx, q)
		if err != nil {
			return nil, err
		}
		if out = append(out, p.Items...); p.Cursor == "" {
			return out, nil
		}
		q.Cursor = p.Cursor
	}
}

// settle opens the file after a kill. Every acknowledged commit must be there. Those on their way are said again with their tokens: each
// must now be there once, whether it had been before or not. Then the audit.
func (a account) settle(ctx context.Context, path string, heard said) error {
	s, err := local.Open(path, local.Options{Now: time.Now, NoSync: true}) // nothing is killed here
	if err != nil {
		return err
	}
	defer s.Close()
	for n := range heard.done {
		if items, err := s.Get(ctx, eventKey(n)); err != nil || len(items) != 1 {
			return fmt.Errorf("commit %d was acknowledged and is lost: %w", n, err)
		}
	}
	steps := slices.SortedFunc(maps.Values(heard.tried), func(x, y step) int { return x.N - y.N })
	for _, st := range steps {
		a[st.N] = st
		if heard.done[st.N] && st.N%50 != 0 { // of the acknowledged ones, some
			continue
		}
		if err := s.Commit(ctx, st.token(), st.writes()...); err != nil {
			return fmt.Errorf("commit %d said again: %w", st.N, err)
		}
	}
	return a.audit(ctx, s)
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
		file  func(*bolt.Tx) error      // behind the table's back
		port  []table.Write             // through it: a whole file that tells another story
		claim func(account, *said) bool // of the child
	}{
		"nothing":                  {},
		"an entry lost in G1":      {file: first("1")},
		"an entry lost in G3":      {file: first("3")},
		"an expiry entry lost":     {file: first("x")},
		"an item lost":             {file: first("d")},
		"a key lost":               {file: first("k")},
		"a record of the log lost": {file: first("l")},
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
