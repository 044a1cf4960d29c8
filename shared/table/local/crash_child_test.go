package local_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// The crash tests run this very binary again as a child, told by this variable: file, number of the round, and "whole", "torn" or "full".
const childEnv = "TABLE_CRASH_CHILD"

func TestMain(m *testing.M) {
	if told := os.Getenv(childEnv); told != "" {
		if err := crashChild(strings.Split(told, "|")); err != nil {
			fmt.Fprintln(os.Stderr, "child:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

const (
	crashWriters = 4
	crashThings  = 5 // of each writer, which alone writes them
)

// step is one commit of a child: it brings a thing from version Base to the next, or deletes it, and records the event. It is all that is
// needed to say the commit again.
type step struct {
	N     int    // unique; the event's sort key
	Thing string // sort key
	Base  int64  // 0: it is not there
	Gone  bool   // deletes it
}

func (s step) String() string { return fmt.Sprintf("%d %s %d %t", s.N, s.Thing, s.Base, s.Gone) }

func parseStep(f []string) (s step, err error) {
	if len(f) != 4 {
		return s, fmt.Errorf("%d words", len(f))
	}
	if s.N, err = strconv.Atoi(f[0]); err != nil {
		return s, err
	}
	if s.Base, err = strconv.ParseInt(f[2], 10, 64); err != nil {
		return s, err
	}
	s.Thing, s.Gone = f[1], f[3] == "true"
	return s, nil
}

func (s step) token() string { return fmt.Sprint("step-", s.N) }

func thingKey(name string) table.Key { return table.Key{PK: "things", SK: name} }
func secretKey(name string) table.Key {
	return table.Key{Space: table.Keys, PK: "secret " + name, SK: "k"}
}
func eventKey(n int) table.Key { return table.Key{PK: "events", SK: fmt.Sprintf("%09d", n)} }

// writes are a thing with two index entries that move, its key in the other space, and the event.
func (s step) writes() []table.Write {
	cond := table.VersionIs(s.Base)
	if s.Base == 0 {
		cond = table.Absent
	}
	event := table.Put(table.Item{
		Key: eventKey(s.N), Doc: fmt.Appendf(nil, `{"thing":"%s","base":%d,"gone":%t}`, s.Thing, s.Base, s.Gone),
		Index:   map[table.Index]table.IndexKey{table.G3: {PK: "events of " + s.Thing, SK: eventKey(s.N).SK}},
		Expires: time.Unix(4_000_000_000, 0),
	}, table.Absent)
	if s.Gone {
		return []table.Write{table.Delete(thingKey(s.Thing), cond), table.Delete(secretKey(s.Thing), table.Present), event}
	}
	stamp := eventKey(s.N).SK
	return []table.Write{
		table.Put(table.Item{
			Key: thingKey(s.Thing), Doc: fmt.Appendf(nil, `{"n":%d}`, s.N), Sealed: make([]byte, 100+s.N%5000),
			Index: map[table.Index]table.IndexKey{table.G1: {PK: "newest", SK: stamp}, table.G2: {PK: "by " + fmt.Sprint(s.N%3), SK: stamp}},
		}, cond),
		table.Put(table.Item{Key: secretKey(s.Thing), Doc: fmt.Appendf(nil, `{"n":%d}`, s.N)}, table.Always),
		event,
	}
}

// crashChild commits until it is killed. It says "try" before each commit and "done" after its acknowledgement. A torn child leaves the
// one transaction and writes the event by itself: the fault that the test must find.
func crashChild(told []string) error {
	round, err := strconv.Atoi(told[1])
	if err != nil {
		return err
	}
	if told[2] == "full" {
		return fullDiskChild(told[0])
	}
	s, err := local.Open(told[0], local.Options{Now: time.Now})
	if err != nil {
		return err
	}
	torn := told[2] == "torn"
	var n atomic.Int64
	n.Store(int64(round) * 1_000_000)
	var g sync.WaitGroup
	var once sync.Once
	for w := range crashWriters {
		g.Go(func() {
			if e := crashWriter(s, w, &n, torn); e != nil {
				once.Do(func() { err = e })
			}
		})
	}
	g.Wait()
	return err
}

func crashWriter(s *local.Store, w int, n *atomic.Int64, torn bool) error {
	ctx := context.Background()
	for i := 0; ; i++ {
		st := step{N: int(n.Add(1)), Thing: fmt.Sprintf("w%d-%d", w, i%crashThings)}
		items, err := s.Get(ctx, thingKey(st.Thing))
		if err != nil {
			return err
		}
		if len(items) == 1 {
			st.Base = items[0].Version
			st.Gone = st.N%7 == 0
		}
		if _, err := fmt.Fprintf(os.Stdout, "try %v\n", st); err != nil {
			return err
		}
		writes := st.writes()
		if torn {
			last := len(writes) - 1
			if err := s.Commit(ctx, st.token()+"-event", writes[last]); err != nil {
				return err
			}
			writes = writes[:last]
		}
		if err := s.Commit(ctx, st.token(), writes...); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(os.Stdout, "done %d\n", st.N); err != nil {
			return err
		}
	}
}
