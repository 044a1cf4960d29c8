// Package tabletest is the contract of package table as tests, which every adapter passes. It asks for what DynamoDB does and no more:
// reads of several keys are no snapshot, index reads and the feed may lag, a last page may be followed by an empty one, equal sort keys
// of an index come in any order. What an adapter promises beyond that, it tests itself.
//
// The suite writes under partition keys of its own, so the table may be shared and need not be empty.
package tabletest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// Store is a table to be tested, with what the suite may use besides.
type Store struct {
	Table   table.Table
	Now     func() time.Time    // the clock that the table goes by
	Feed    table.Feed          // nil: the adapter has none in this run
	Advance func(time.Duration) // moves the clock; nil: it cannot be moved, and what needs it is left out
	Lag     time.Duration       // how long an index or the feed may take to catch up; 0: not at all
}

// Run holds the stores that open gives against the contract. A peer that is known to be wrong about a part names that part in without,
// beside a note of what covers it instead; the parts are the names of the subtests.
func Run(t *testing.T, open func(t *testing.T) Store, without ...string) {
	parts := []struct {
		name string
		test func(*testing.T, *suite)
	}{
		{"get/order", getOrder},
		{"get/spaces", getSpaces},
		{"get/limits", getLimits},
		{"item/round trip", itemRoundTrip},
		{"item/keys of any text", itemKeys},
		{"item/largest", itemLargest},
		{"limits/refused before anything is written", limitsRefused},
		{"limits/most writes", limitsMostWrites},
		{"commit/conditions", commitConditions},
		{"commit/failure names every write", commitFailure},
		{"commit/all or nothing", commitAllOrNothing},
		{"commit/versions", commitVersions},
		{"commit/delete", commitDelete},
		{"commit/check writes nothing", commitCheck},
		{"commit/context", commitContext},
		{"token/replay", tokenReplay},
		{"token/other writes", tokenOtherWrites},
		{"token/free after a failure", tokenAfterFailure},
		{"token/forgotten", tokenForgotten},
		{"query/order", queryOrder},
		{"query/ranges", queryRanges},
		{"query/pages", queryPages},
		{"query/page bytes", queryPageBytes},
		{"query/cursors", queryCursors},
		{"query/malformed", queryMalformed},
		{"index/sparse, keys only", indexSparse},
		{"index/follows the item", indexFollows},
		{"index/ties", indexTies},
		{"index/ranges", indexRanges},
		{"expiry/absent", expiryAbsent},
		{"expiry/in time", expiryInTime},
		{"race/no lost update", raceNoLostUpdate},
		{"race/one creator", raceOneCreator},
		{"race/one token", raceOneToken},
		{"race/no torn commit", raceNoTornCommit},
		{"scan/segments", scanSegments},
		{"feed/images in order", feedImages},
		{"feed/positions", feedPositions},
		{"feed/only commits of data", feedOnlyCommits},
		{"feed/changed", feedChanged},
	}
	for _, p := range parts {
		if slices.Contains(without, p.name) {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			p.test(t, &suite{Store: open(t), mark: rand.Text()})
		})
	}
}

// suite is one part's view of the store.
type suite struct {
	Store
	mark string // of this part's partitions and tokens
	n    int
}

func (s *suite) part(name string) string { return s.mark + "/" + name }

func (s *suite) key(name, sk string) table.Key { return table.Key{PK: s.part(name), SK: sk} }

func (s *suite) token() string {
	s.n++
	return fmt.Sprintf("%s-%d", s.mark, s.n)
}

// patiently runs f until it is not Unavailable: an adapter may answer so at any time.
func patiently(ctx context.Context, f func() error) error {
	for wait := time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := f()
		if !fault.IsKind(err, fault.Unavailable) || ctx.Err() != nil {
			return err
		}
		time.Sleep(wait)
	}
}

func (s *suite) try(t *testing.T, token string, w ...table.Write) error {
	t.Helper()
	return patiently(t.Context(), func() error { return s.Table.Commit(t.Context(), token, w...) })
}

// must commits under a fresh token.
func (s *suite) must(t *testing.T, w ...table.Write) {
	t.Helper()
	if err := s.try(t, s.token(), w...); err != nil {
		t.Fatalf("commit: %v", err)
	}
}

func (s *suite) get(t *testing.T, keys ...table.Key) []table.Item {
	t.Helper()
	var out []table.Item
	err := patiently(t.Context(), func() (err error) { out, err = s.Table.Get(t.Context(), keys...); return err })
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	return out
}

// one reads one item; nil: there is none.
func (s *suite) one(t *testing.T, k table.Key) *table.Item {
	t.Helper()
	items := s.get(t, k)
	if len(items) == 0 {
		return nil
	}
	return &items[0]
}

func (s *suite) query(t *testing.T, q table.Query) table.Page {
	t.Helper()
	var p table.Page
	err := patiently(t.Context(), func() (err error) { p, err = s.Table.Query(t.Context(), q); return err })
	if err != nil {
		t.Fatalf("query: %v", err)
	}
	return p
}

// all reads every page.
func (s *suite) all(t *testing.T, q table.Query) []table.Item {
	t.Helper()
	var out []table.Item
	for range 10_000 {
		p := s.query(t, q)
		out = append(out, p.Items...)
		if q.Cursor = p.Cursor; q.Cursor == "" {
			return out
		}
	}
	t.Fatal("query: the pages do not end")
	return nil
}

// soon polls until ok, for as long as the store may lag.
func (s *suite) soon(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(s.Lag); ; time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, s.Lag)
		}
	}
}

func sortKeys(items []table.Item) []string {
	out := []string{}
	for i := range items {
		out = append(out, items[i].SK)
	}
	return out
}

func wantKeys(t *testing.T, what string, items []table.Item, want ...string) {
	t.Helper()
	if got := sortKeys(items); !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func wantFault(t *testing.T, what string, err error, kind fault.Kind, code string) {
	t.Helper()
	if !fault.IsKind(err, kind) || code != "" && !fault.Is(err, code) {
		t.Errorf("%s: %v, want %s of kind %d", what, err, code, kind)
	}
}

// wantFailed demands that exactly these writes failed.
func wantFailed(t *testing.T, what string, err error, writes ...int) *table.ConditionFailed {
	t.Helper()
	f, ok := errors.AsType[*table.ConditionFailed](err)
	if !ok {
		t.Fatalf("%s: %v, want a failed condition", what, err)
	}
	var got []int
	for _, w := range f.Failed {
		got = append(got, w.Write)
	}
	if !slices.Equal(got, writes) {
		t.Fatalf("%s: writes %v failed, want %v", what, got, writes)
	}
	return f
}

// same compares items as the contract sees them: docs as JSON, since an adapter may keep them as values.
func same(t *testing.T, what string, got *table.Item, want table.Item) {
	t.Helper()
	switch {
	case got == nil:
		t.Errorf("%s: no item", what)
	case got.Key != want.Key:
		t.Errorf("%s: key %v, want %v", what, got.Key, want.Key)
	case got.Version != want.Version:
		t.Errorf("%s: version %d, want %d", what, got.Version, want.Version)
	case !got.Expires.Equal(want.Expires):
		t.Errorf("%s: expires %v, want %v", what, got.Expires, want.Expires)
	case !sameDoc(got.Doc, want.Doc):
		t.Errorf("%s: doc %s, want %s", what, got.Doc, want.Doc)
	case !bytes.Equal(got.Sealed, want.Sealed):
		t.Errorf("%s: %d sealed bytes, want %d, or others", what, len(got.Sealed), len(want.Sealed))
	case len(got.Index) != len(want.Index):
		t.Errorf("%s: index %v, want %v", what, got.Index, want.Index)
	default:
		for n, k := range want.Index {
			if got.Index[n] != k {
				t.Errorf("%s: index %v, want %v", what, got.Index, want.Index)
			}
		}
	}
}

func sameDoc(a, b []byte) bool {
	x, y := jsontext.Value(bytes.Clone(a)), jsontext.Value(bytes.Clone(b))
	if len(x) == 0 || len(y) == 0 {
		return len(x) == len(y)
	}
	return x.Canonicalize() == nil && y.Canonicalize() == nil && bytes.Equal(x, y)
}
