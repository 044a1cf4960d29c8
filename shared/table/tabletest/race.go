package tabletest

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/steward-crm/steward/shared/table"
)

const racers = 8

// together runs f in as many goroutines as there are racers, and reports their errors.
func together(t *testing.T, f func(ctx context.Context, racer int) error) {
	t.Helper()
	var g sync.WaitGroup
	for i := range racers {
		g.Go(func() {
			if err := f(t.Context(), i); err != nil {
				t.Errorf("racer %d: %v", i, err)
			}
		})
	}
	g.Wait()
}

func failed(err error) bool {
	_, ok := err.(*table.ConditionFailed)
	return ok
}

func (s *suite) raceToken(racer, n int) string { return fmt.Sprintf("%s-%d-%d", s.mark, racer, n) }

func raceNoLostUpdate(t *testing.T, s *suite) {
	const each = 10
	k := s.key("p", "counter")
	s.must(t, table.Put(table.Item{Key: k, Doc: []byte(`{"n":"0"}`)}, table.Absent))
	together(t, func(ctx context.Context, racer int) error {
		for done, n := 0, 0; done < each; n++ {
			var items []table.Item
			if err := patiently(ctx, func() (err error) { items, err = s.Table.Get(ctx, k); return err }); err != nil {
				return err
			}
			v, _ := strconv.Atoi(strings.Trim(strings.TrimPrefix(string(items[0].Doc), `{"n":`), `"} `))
			next := table.Item{Key: k, Doc: fmt.Appendf(nil, `{"n":"%d"}`, v+1)}
			token := s.raceToken(racer, n)
			err := patiently(ctx, func() error { return s.Table.Commit(ctx, token, table.Put(next, table.VersionIs(items[0].Version))) })
			switch {
			case err == nil:
				done++
			case !failed(err):
				return err
			}
		}
		return nil
	})
	it := s.one(t, k)
	if want := fmt.Sprintf(`{"n":"%d"}`, racers*each); !sameDoc(it.Doc, []byte(want)) || it.Version != racers*each+1 {
		t.Errorf("%s at version %d, want %s: updates were lost", it.Doc, it.Version, want)
	}
}

func raceOneCreator(t *testing.T, s *suite) {
	for round := range 5 {
		k := s.key("p", fmt.Sprint(round))
		var won atomic.Int32
		together(t, func(ctx context.Context, racer int) error {
			own := s.key("own", fmt.Sprint(round, "-", racer))
			token := s.raceToken(racer, round)
			err := patiently(ctx, func() error {
				return s.Table.Commit(ctx, token, table.Put(table.Item{Key: k}, table.Absent), table.Put(table.Item{Key: own}, table.Absent))
			})
			switch {
			case err == nil:
				won.Add(1)
			case !failed(err):
				return err
			}
			return nil
		})
		if won.Load() != 1 || s.one(t, k).Version != 1 {
			t.Errorf("%d creators of one item", won.Load())
		}
	}
	if n := len(s.all(t, table.Query{PK: s.part("own")})); n != 5 {
		t.Errorf("%d items of 5 winners", n)
	}
}

func raceOneToken(t *testing.T, s *suite) {
	k, extra := s.key("p", "s"), s.key("p", "t")
	token := s.token()
	together(t, func(ctx context.Context, _ int) error {
		return patiently(ctx, func() error {
			return s.Table.Commit(ctx, token, table.Put(table.Item{Key: k}, table.Always), table.Put(table.Item{Key: extra}, table.Absent))
		})
	})
	if v := s.one(t, k).Version; v != 1 {
		t.Errorf("version %d: one token was applied more than once", v)
	}
}

// raceNoTornCommit has writers that keep two items equal, and a condition that sees both at once.
func raceNoTornCommit(t *testing.T, s *suite) {
	const each = 10
	a, b := s.key("a", "s"), s.key("b", "s")
	s.must(t, table.Put(table.Item{Key: a}, table.Absent), table.Put(table.Item{Key: b}, table.Absent))
	together(t, func(ctx context.Context, racer int) error {
		for n := range each {
			token := s.raceToken(racer, n)
			doc := fmt.Appendf(nil, `{"by":"%s"}`, token)
			err := patiently(ctx, func() error {
				return s.Table.Commit(ctx, token, table.Put(table.Item{Key: a, Doc: doc}, table.Always), table.Put(table.Item{Key: b, Doc: doc}, table.Always))
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	items := s.get(t, a, b)
	if !sameDoc(items[0].Doc, items[1].Doc) || items[0].Version != racers*each+1 || items[1].Version != items[0].Version {
		t.Errorf("two items of the same commits differ: %v", items)
	}
}
