package local_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

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
			listed[e.SK] = append(listed[e.SK], fmt.Sprint(q.Index, q.PK, e.At.SK))
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
