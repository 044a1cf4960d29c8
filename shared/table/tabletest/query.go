package tabletest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// fill puts bare items of these sort keys into a partition.
func (s *suite) fill(t *testing.T, part string, sk ...string) {
	t.Helper()
	for chunk := range slices.Chunk(sk, table.MaxWrites) {
		var w []table.Write
		for _, k := range chunk {
			w = append(w, table.Put(table.Item{Key: s.key(part, k)}, table.Absent))
		}
		s.must(t, w...)
	}
}

// queryOrder holds the order against bytes: by UTF-16, U+FFFF would come after the emoji.
func queryOrder(t *testing.T, s *suite) {
	names := []string{"b", "a", "aa", "B", "10", "9", "\x01", " ", "é", "e\u0301", "界", "\uffff", "🙂", "#", "~", "a#", "a "}
	s.fill(t, "p", names...)
	slices.Sort(names)
	wantKeys(t, "forward", s.all(t, table.Query{PK: s.part("p")}), names...)
	slices.Reverse(names)
	wantKeys(t, "reverse", s.all(t, table.Query{PK: s.part("p"), Reverse: true}), names...)
}

func queryRanges(t *testing.T, s *suite) {
	s.fill(t, "p", "a", "b", "b#1", "b#2", "ba", "c", "cz", "d")
	s.fill(t, "pp", "b", "x") // a partition whose key starts with the other's
	s.fill(t, "o", "b")
	q := func(prefix, from, to string) table.Query {
		return table.Query{PK: s.part("p"), Prefix: prefix, From: from, To: to}
	}
	for _, c := range []struct {
		q    table.Query
		want string
	}{
		{q("", "", ""), "a b b#1 b#2 ba c cz d"},
		{q("b", "", ""), "b b#1 b#2 ba"},
		{q("b#", "", ""), "b#1 b#2"},
		{q("b#1", "", ""), "b#1"},
		{q("b#11", "", ""), ""},
		{q("\U0010ffff", "", ""), ""},
		{q("", "b#", ""), "b#1 b#2 ba c cz d"},
		{q("", "b", ""), "b b#1 b#2 ba c cz d"},
		{q("", "", "b"), "a b"},
		{q("", "", "b#1"), "a b b#1"},
		{q("", "b", "c"), "b b#1 b#2 ba c"},
		{q("", "b", "b"), "b"},
		{q("", "bb", "bz"), ""},
		{q("", "c", "b"), ""},
		{q("", "e", ""), ""},
		{q("", "", "A"), ""},
		{table.Query{PK: s.part("none")}, ""},
		{table.Query{PK: s.part("pp")}, "b x"},
	} {
		want := strings.Fields(c.want)
		wantKeys(t, fmt.Sprintf("%+v", c.q), s.all(t, c.q), want...)
		slices.Reverse(want)
		c.q.Reverse = true
		wantKeys(t, fmt.Sprintf("%+v", c.q), s.all(t, c.q), want...)
	}
}

func queryPages(t *testing.T, s *suite) {
	var names []string
	for i := range 230 {
		names = append(names, fmt.Sprintf("n%04d", i))
	}
	s.fill(t, "p", names...)
	for _, base := range []table.Query{
		{}, {Reverse: true}, {Prefix: "n"}, {Prefix: "n01", Reverse: true}, {From: "n0007", To: "n0193"}, {From: "n0100", Reverse: true},
	} {
		base.PK = s.part("p")
		whole := base
		whole.Limit = table.MaxLimit
		want := sortKeys(s.all(t, whole))
		for _, limit := range []int{0, 1, 7, 100, 229, 230, 231} {
			q := base
			q.Limit = limit
			most := limit
			if most == 0 {
				most = table.PageItems
			}
			var got []string
			for pages := 0; ; pages++ {
				p := s.query(t, q)
				if len(p.Items) > most || pages > len(names) {
					t.Fatalf("%+v: a page of %d items, page %d", q, len(p.Items), pages)
				}
				got = append(got, sortKeys(p.Items)...)
				if q.Cursor = p.Cursor; q.Cursor == "" {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v: pages give %d items, want %d", base, len(got), len(want))
			}
		}
	}
	// Between the pages, items come and go: what was there all the time is seen once.
	q := table.Query{PK: s.part("p"), Limit: 50}
	p := s.query(t, q)
	s.fill(t, "p", "n0000a", "n0049a", "n0229a")
	s.must(t, table.Delete(s.key("p", "n0049"), table.Present)) // the very last item of the page
	q.Cursor, q.Limit = p.Cursor, 1000
	rest := s.all(t, q)
	wantKeys(t, "after changes between the pages", append(p.Items, rest...), slices.Insert(append(slices.Clone(names), "n0229a"), 50, "n0049a")...)
}

func queryPageBytes(t *testing.T, s *suite) {
	const n, size = 8, 300 << 10
	var names []string
	for i := range n {
		k := s.key("p", fmt.Sprint(i))
		names = append(names, k.SK)
		s.must(t, table.Put(table.Item{Key: k, Sealed: make([]byte, size)}, table.Absent))
	}
	q := table.Query{PK: s.part("p")}
	var all []table.Item
	for {
		p := s.query(t, q)
		bytes := 0
		for i := range p.Items {
			bytes += p.Items[i].Size()
		}
		// DynamoDB counts a little otherwise than Item.Size does.
		if bytes > table.MaxPage+size {
			t.Fatalf("a page of %d bytes", bytes)
		}
		all = append(all, p.Items...)
		if q.Cursor = p.Cursor; q.Cursor == "" {
			break
		}
	}
	wantKeys(t, "by pages of bytes", all, names...)
}

func queryCursors(t *testing.T, s *suite) {
	s.fill(t, "p", "a", "b", "c", "d")
	s.fill(t, "q", "a", "b", "c", "d")
	first := table.Query{PK: s.part("p"), Limit: 2}
	cursor := s.query(t, first).Cursor
	if cursor == "" {
		t.Fatal("no cursor")
	}
	with := func(f func(*table.Query)) table.Query {
		q := first
		q.Cursor = cursor
		f(&q)
		return q
	}
	larger := with(func(q *table.Query) { q.Limit = 10 })
	wantKeys(t, "the next page may be larger", s.query(t, larger).Items, "c", "d")
	for what, q := range map[string]table.Query{
		"another partition": with(func(q *table.Query) { q.PK = s.part("q") }),
		"another direction": with(func(q *table.Query) { q.Reverse = true }),
		"another prefix":    with(func(q *table.Query) { q.Prefix = "b" }),
		"another start":     with(func(q *table.Query) { q.From = "a" }),
		"another end":       with(func(q *table.Query) { q.To = "d" }),
		"another index":     with(func(q *table.Query) { q.Index = table.G1 }),
		"a single letter":   with(func(q *table.Query) { q.Cursor = "x" }),
		"other letters":     with(func(q *table.Query) { q.Cursor = "=/+ " + cursor }),
	} {
		_, err := s.Table.Query(t.Context(), q)
		wantFault(t, what, err, fault.Malformed, "invalid_cursor")
	}
}

func queryMalformed(t *testing.T, s *suite) {
	p := s.part("p")
	long := strings.Repeat("s", table.MaxSortKey+1)
	for what, c := range map[string]struct {
		q    table.Query
		kind fault.Kind
		code string
	}{
		"no partition":      {table.Query{}, fault.Internal, "key_malformed"},
		"a long partition":  {table.Query{PK: strings.Repeat("p", table.MaxPartitionKey+1)}, fault.Invalid, "key_too_long"},
		"a long prefix":     {table.Query{PK: p, Prefix: long}, fault.Invalid, "key_too_long"},
		"a long start":      {table.Query{PK: p, From: long}, fault.Invalid, "key_too_long"},
		"a long end":        {table.Query{PK: p, To: long}, fault.Invalid, "key_too_long"},
		"a broken prefix":   {table.Query{PK: p, Prefix: "\xc3"}, fault.Internal, "key_malformed"},
		"prefix and start":  {table.Query{PK: p, Prefix: "a", From: "b"}, fault.Internal, "query_malformed"},
		"prefix and end":    {table.Query{PK: p, Prefix: "a", To: "b"}, fault.Internal, "query_malformed"},
		"a negative limit":  {table.Query{PK: p, Limit: -1}, fault.Internal, "query_malformed"},
		"too high a limit":  {table.Query{PK: p, Limit: table.MaxLimit + 1}, fault.Internal, "query_malformed"},
		"an unknown index":  {table.Query{PK: p, Index: table.G5 + 1}, fault.Internal, "query_malformed"},
		"broken partitions": {table.Query{PK: "\xff"}, fault.Internal, "key_malformed"},
	} {
		_, err := s.Table.Query(t.Context(), c.q)
		wantFault(t, what, err, c.kind, c.code)
	}
}
