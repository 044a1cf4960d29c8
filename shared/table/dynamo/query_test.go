package dynamo_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
)

// TestPagesAmongTheExpired: what has expired takes no room in a page, and a page that is filled up keeps its bound of bytes.
func TestPagesAmongTheExpired(t *testing.T) {
	for _, c := range []struct {
		size, limit int
		pages       string
	}{{10, 3, "1 3 5|7 9 11"}, {10, 100, "1 3 5 7 9 11"}, {10, 1, "1|3|5|7|9|11"}, {300 << 10, 100, "1 3 5|7 9 11"}} {
		clk := newClock()
		s, _ := openStrict(t, clk.Now, nil)
		for i := range 12 {
			it := table.Item{Key: table.Key{PK: "p", SK: fmt.Sprintf("%02d", i)}, Sealed: make([]byte, c.size)}
			if i%2 == 0 {
				it.Expires = clk.Now().Add(time.Minute)
			}
			if err := s.Commit(t.Context(), it.SK, table.Put(it, table.Absent)); err != nil {
				t.Fatal(err)
			}
		}
		clk.Add(time.Minute)
		if items, err := s.Get(t.Context(), table.Key{PK: "p", SK: "00"}, table.Key{PK: "p", SK: "01"}); err != nil || len(items) != 1 || items[0].SK != "01" {
			t.Errorf("get of one that expired and one that lives: %v, %v", items, err)
		}
		var pages []string
		q := table.Query{PK: "p", Limit: c.limit}
		for {
			p, err := s.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			size := 0
			for i := range p.Items {
				names = append(names, strings.TrimLeft(p.Items[i].SK, "0"))
				size += p.Items[i].Size()
			}
			if size > table.MaxPage {
				t.Errorf("items of %d by %d: a page of %d bytes", c.size, c.limit, size)
			}
			if len(names) > 0 {
				pages = append(pages, strings.Join(names, " "))
			}
			if q.Cursor = p.Cursor; q.Cursor == "" {
				break
			}
		}
		if got := strings.Join(pages, "|"); got != c.pages {
			t.Errorf("items of %d by %d: pages %s, want %s", c.size, c.limit, got, c.pages)
		}
	}
}

// TestBentCursors: a cursor holds its query's hash and a key in the clear; a key that the query could not have answered is refused here.
func TestBentCursors(t *testing.T) {
	s, _ := openStrict(t, newClock().Now, nil)
	var writes []table.Write
	for _, sk := range []string{"a", "ba", "bb", "c"} {
		writes = append(writes, table.Put(table.Item{Key: table.Key{PK: "p", SK: sk}, Index: map[table.Index]table.IndexKey{table.G1: {PK: "p", SK: sk}}}, table.Absent))
	}
	if err := s.Commit(t.Context(), "t", writes...); err != nil {
		t.Fatal(err)
	}
	for _, q := range []table.Query{{Prefix: "b"}, {From: "b", To: "bz"}, {Index: table.G1, Prefix: "b"}} {
		q.PK, q.Limit = "p", 1
		p, err := s.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
		if err != nil {
			t.Fatal(err)
		}
		head, tail := string(raw[:9]), string(raw[9:])
		bent := map[string]string{
			"beyond": "\x01c\x01pba", "before": "\x01a\x01pba", "a long length": "\x83\x00ba\x01pba", "cut": "\x02ba\x01", "too long a piece": "\x7fba",
			"no sort key": "\x00\x01pba", "no partition": "\x02ba\x00ba", "broken text": "\x02b\xff\x01pba", "long": "\x02ba\x01p" + strings.Repeat("b", table.MaxSortKey+1),
		}
		if q.Index == table.Base {
			bent = map[string]string{"beyond": "c", "before": "a", "broken text": "b\xff", "long": strings.Repeat("b", table.MaxSortKey+1)}
		}
		bent["empty"], bent["form 2"] = "", tail
		for what, rest := range bent {
			b := head + rest
			if what == "form 2" {
				b = "\x02" + b[1:]
			}
			q.Cursor = base64.RawURLEncoding.EncodeToString([]byte(b))
			if _, err := s.Query(t.Context(), q); !fault.Is(err, "invalid_cursor") {
				t.Errorf("%+v, %s: %v", q, what, err)
			}
		}
		q.Cursor = p.Cursor
		if p, err := s.Query(t.Context(), q); err != nil || len(p.Items) != 1 || p.Items[0].SK != "bb" {
			t.Errorf("as it was: %v, %v", p.Items, err)
		}
	}
}
