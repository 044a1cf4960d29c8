package tabletest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/table"
)

// entries reads an index partition as "index sort key=item sort key", and demands that its items hold keys only.
func (s *suite) entries(t *testing.T, q table.Query) []string {
	t.Helper()
	out := []string{}
	for _, it := range s.all(t, q) {
		if it.Doc != nil || it.Sealed != nil || it.Version != 0 || !it.Expires.IsZero() || it.Index != nil {
			t.Fatalf("more than keys: %v", it)
		}
		if it.At.PK != q.PK {
			t.Fatalf("not of the index partition: %v", it)
		}
		out = append(out, it.At.SK+"="+it.SK)
	}
	return out
}

func (s *suite) wantEntries(t *testing.T, what string, q table.Query, want ...string) {
	t.Helper()
	var got []string
	s.soon(t, fmt.Sprintf("%s: %v, want %v", what, got, want), func() bool {
		got = s.entries(t, q)
		return slices.Equal(got, want)
	})
}

func indexSparse(t *testing.T, s *suite) {
	full := table.Item{Key: s.key("p", "full"), Doc: []byte(`{"a":1}`), Sealed: []byte{1}, Index: map[table.Index]table.IndexKey{}}
	for n := table.G1; n <= table.G5; n++ {
		full.Index[n] = table.IndexKey{PK: s.part("g"), SK: fmt.Sprint("s", n)}
	}
	some := table.Item{Key: s.key("p", "some"), Index: map[table.Index]table.IndexKey{table.G2: {PK: s.part("g"), SK: "a"}}}
	none := table.Item{Key: s.key("p", "none"), Doc: []byte(`{"a":1}`)}
	s.must(t, table.Put(full, table.Absent), table.Put(some, table.Absent), table.Put(none, table.Absent))
	for n := table.G1; n <= table.G5; n++ {
		want := []string{fmt.Sprintf("s%d=full", n)}
		if n == table.G2 {
			want = []string{"a=some", "s2=full"}
		}
		s.wantEntries(t, fmt.Sprint("index ", n), table.Query{Index: n, PK: s.part("g")}, want...)
		s.wantEntries(t, "a base partition's key in an index", table.Query{Index: n, PK: s.part("p")})
	}
	if items := s.all(t, table.Query{PK: s.part("g")}); len(items) != 0 {
		t.Errorf("an index partition's key on the base: %v", items)
	}
}

func indexFollows(t *testing.T, s *suite) {
	it := table.Item{Key: s.key("p", "x")}
	at := func(what, g1, g3 string) {
		t.Helper()
		it.Index = map[table.Index]table.IndexKey{}
		want := map[table.Index][]string{table.G1: {}, table.G3: {}}
		if g1 != "" {
			it.Index[table.G1] = table.IndexKey{PK: s.part("g"), SK: g1}
			want[table.G1] = []string{g1 + "=x"}
		}
		if g3 != "" {
			it.Index[table.G3] = table.IndexKey{PK: s.part("g"), SK: g3}
			want[table.G3] = []string{g3 + "=x"}
		}
		s.must(t, table.Put(it, table.Always))
		for n, w := range want {
			s.wantEntries(t, what, table.Query{Index: n, PK: s.part("g")}, w...)
		}
	}
	at("listed once", "1", "")
	at("the same again", "1", "")
	at("moved", "2", "")
	at("listed twice", "2", "7")
	at("one moved, one kept", "3", "7")
	at("one dropped", "", "7")
	at("none", "", "")
	at("back", "1", "1")
	it.Index = map[table.Index]table.IndexKey{table.G1: {PK: s.part("h"), SK: "1"}}
	s.must(t, table.Put(it, table.Always))
	s.wantEntries(t, "left the partition", table.Query{Index: table.G1, PK: s.part("g")})
	s.wantEntries(t, "in the other partition", table.Query{Index: table.G1, PK: s.part("h")}, "1=x")
	s.must(t, table.Delete(it.Key, table.Present))
	s.wantEntries(t, "deleted", table.Query{Index: table.G1, PK: s.part("h")})
}

func indexTies(t *testing.T, s *suite) {
	var want []string
	for i := range 60 {
		k := s.key(fmt.Sprint("p", i%3), fmt.Sprintf("%02d", i))
		want = append(want, "same="+k.SK)
		s.must(t, table.Put(table.Item{Key: k, Index: map[table.Index]table.IndexKey{table.G4: {PK: s.part("g"), SK: "same"}}}, table.Absent))
	}
	for _, q := range []table.Query{{Limit: 7}, {Limit: 7, Reverse: true}, {Limit: 1}, {From: "same", To: "same", Limit: 13}} {
		q.Index, q.PK = table.G4, s.part("g")
		var got []string
		s.soon(t, fmt.Sprintf("60 equal sort keys in pages of %d", q.Limit), func() bool {
			got = s.entries(t, q)
			slices.Sort(got)
			return slices.Equal(got, want)
		})
	}
}

func indexRanges(t *testing.T, s *suite) {
	for i, sk := range []string{"a", "b", "b#1", "b#2", "ba", "c", "界", "🙂"} {
		s.must(t, table.Put(table.Item{Key: s.key(fmt.Sprint("p", 9-i), "x"), Index: map[table.Index]table.IndexKey{table.G5: {PK: s.part("g"), SK: sk}}}, table.Absent))
	}
	s.must(t, table.Put(table.Item{Key: s.key("p", "x"), Index: map[table.Index]table.IndexKey{table.G5: {PK: s.part("gg"), SK: "b"}}}, table.Absent))
	for _, c := range []struct{ prefix, from, to, want string }{
		{"", "", "", "a b b#1 b#2 ba c 界 🙂"},
		{"b", "", "", "b b#1 b#2 ba"},
		{"b#", "", "", "b#1 b#2"},
		{"x", "", "", ""},
		{"", "b", "", "b b#1 b#2 ba c 界 🙂"},
		{"", "b ", "", "b#1 b#2 ba c 界 🙂"},
		{"", "", "b", "a b"},
		{"", "b", "b#1", "b b#1"},
		{"", "b#1", "c", "b#1 b#2 ba c"},
		{"", "c", "b", ""},
	} {
		var want []string
		for _, sk := range strings.Fields(c.want) {
			want = append(want, sk+"=x")
		}
		for _, limit := range []int{0, 1, 3} {
			q := table.Query{Index: table.G5, PK: s.part("g"), Prefix: c.prefix, From: c.from, To: c.to, Limit: limit}
			s.wantEntries(t, fmt.Sprintf("%+v", c), q, want...)
			q.Reverse = true
			back := slices.Clone(want)
			slices.Reverse(back)
			s.wantEntries(t, fmt.Sprintf("%+v, reverse", c), q, back...)
		}
	}
}

// expiryAbsent puts items that have expired already. An index may still name them: it nominates, and a Get decides.
func expiryAbsent(t *testing.T, s *suite) {
	past := s.Now().Add(-time.Hour)
	dead := func(sk string) table.Item {
		return table.Item{Key: s.key("p", sk), Expires: past, Doc: []byte(`{"a":"b"}`)}
	}
	s.fill(t, "p", "live")
	for i, c := range []table.Cond{table.Present, table.VersionIs(1), table.Equals("a", "b")} {
		it := dead(fmt.Sprint("dead", i))
		s.must(t, table.Put(it, table.Absent))
		if got := s.one(t, it.Key); got != nil {
			t.Errorf("get: %v", got)
		}
		f := wantFailed(t, "condition on an expired item", s.try(t, s.token(), table.Check(it.Key, c)), 0)
		if f.Failed[0].Item != nil {
			t.Error("a failed condition names an expired item")
		}
	}
	wantKeys(t, "query", s.all(t, table.Query{PK: s.part("p")}), "live")
	wantKeys(t, "query, in reverse, by pages of one", s.all(t, table.Query{PK: s.part("p"), Reverse: true, Limit: 1}), "live")
	again := dead("dead0")
	again.Expires = time.Time{}
	s.must(t, table.Put(again, table.Absent))
	if it := s.one(t, again.Key); it == nil || !it.Expires.IsZero() {
		t.Errorf("put anew over an expired one: %v", it)
	}
	s.must(t, table.Delete(s.key("p", "dead1"), table.Absent), table.Delete(s.key("p", "dead2"), table.Always))
	wantKeys(t, "after deleting", s.all(t, table.Query{PK: s.part("p")}), "dead0", "live")
}

func expiryInTime(t *testing.T, s *suite) {
	if s.Advance == nil {
		return
	}
	it := table.Item{Key: s.key("p", "s"), Expires: s.Now().Truncate(time.Second).Add(time.Hour)}
	s.must(t, table.Put(it, table.Absent))
	s.Advance(it.Expires.Sub(s.Now()) - 1)
	if s.one(t, it.Key) == nil {
		t.Error("gone before its time")
	}
	wantFailed(t, "absent, before its time", s.try(t, s.token(), table.Check(it.Key, table.Absent)), 0)
	s.Advance(1)
	if s.one(t, it.Key) != nil {
		t.Error("there after its time")
	}
	wantKeys(t, "query after its time", s.all(t, table.Query{PK: s.part("p")}))
	wantKeys(t, "query after its time, in reverse", s.all(t, table.Query{PK: s.part("p"), Reverse: true}))
	s.must(t, table.Check(it.Key, table.Absent))
	late := table.Item{Key: s.key("p", "t"), Expires: s.Now().Add(1500 * time.Millisecond)}
	s.must(t, table.Put(late, table.Absent))
	s.Advance(late.Expires.Sub(s.Now()))
	if s.one(t, late.Key) == nil {
		t.Error("a fraction of a second was rounded down")
	}
}
