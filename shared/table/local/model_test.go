package local_test

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
)

// model is the table as plainly as it can be said: a map, and the tokens of the last ten minutes.
type model struct {
	now    time.Time
	items  map[table.Key]table.Item
	tokens map[string]spent
}

type spent struct {
	at     time.Time
	writes []table.Write
	checks bool // nothing but checks: forgotten by a restart
}

func (m *model) get(k table.Key) (table.Item, bool) {
	it, ok := m.items[k]
	if ok && !it.Expires.IsZero() && !it.Expires.After(m.now) {
		return table.Item{}, false
	}
	return it, ok
}

func (m *model) holds(k table.Key, c table.Cond) bool {
	it, ok := m.get(k)
	switch c.Kind {
	case table.CondAbsent:
		return !ok
	case table.CondPresent:
		return ok
	case table.CondVersion:
		return ok && it.Version == c.Version
	case table.CondEquals: // the model's docs have one member
		return ok && string(it.Doc) == fmt.Sprintf(`{"%s":"%s"}`, c.Name, c.Value)
	default:
		return true
	}
}

// commit gives the positions of the failed writes, or the fault's code.
func (m *model) commit(token string, writes []table.Write) (failed []int, code string) {
	if u, ok := m.tokens[token]; ok && m.now.Sub(u.at) < table.TokenLife {
		if !reflect.DeepEqual(u.writes, writes) {
			return nil, "token_reused"
		}
		return nil, ""
	}
	checks := true
	for i, w := range writes {
		if !m.holds(w.Item.Key, w.If) {
			failed = append(failed, i)
		}
		checks = checks && w.Op == table.OpCheck
	}
	if failed != nil {
		return failed, ""
	}
	for _, w := range writes {
		switch w.Op {
		case table.OpPut:
			old, _ := m.get(w.Item.Key)
			it := w.Item
			it.Version = old.Version + 1
			m.items[it.Key] = it
		case table.OpDelete:
			delete(m.items, w.Item.Key)
		}
	}
	m.tokens[token] = spent{m.now, writes, checks}
	return nil, ""
}

// query is the whole answer, in order.
func (m *model) query(q table.Query) []table.Item {
	type hit struct {
		sort []string
		item table.Item
	}
	var hits []hit
	for k := range m.items {
		it, ok := m.get(k)
		if !ok || k.Space != table.Data {
			continue
		}
		at := table.IndexKey{PK: k.PK, SK: k.SK}
		h := hit{[]string{k.SK}, it}
		if q.Index != table.Base {
			if at, ok = it.Index[q.Index]; !ok {
				continue
			}
			h = hit{[]string{at.SK, k.PK, k.SK}, table.Item{Key: k, At: at}}
		}
		if at.PK == q.PK && strings.HasPrefix(at.SK, q.Prefix) && at.SK >= q.From && (q.To == "" || at.SK <= q.To) {
			hits = append(hits, h)
		}
	}
	sort.Slice(hits, func(i, j int) bool {
		c := slices.Compare(hits[i].sort, hits[j].sort)
		return c < 0 != q.Reverse && c != 0
	})
	var out []table.Item
	for _, h := range hits {
		out = append(out, h.item)
	}
	return out
}

// machine runs the store beside the model. follower is the state that a consumer of the feed has built.
type machine struct {
	store    *local.Store
	path     string
	model    model
	follower map[table.Key]table.Item
	position string
	n        int
}

// Few keys, so that writes meet; and keys that would be confused by a careless encoding.
var (
	partitions = rapid.SampledFrom([]string{"p", "pp", "p\x00", "p\x00a"})
	sortKeys   = rapid.SampledFrom([]string{"a", "a\x00", "a\x00\x01", "ab", "a\x01", "\x00", "\uffff", "🙂"})
	indexParts = rapid.SampledFrom([]string{"p", "g", "g\x00"})
	values     = rapid.SampledFrom([]string{"", "x", "y"})
)

func drawKey(t *rapid.T) table.Key {
	k := table.Key{PK: partitions.Draw(t, "pk"), SK: sortKeys.Draw(t, "sk")}
	if rapid.IntRange(0, 5).Draw(t, "space") == 0 {
		k.Space = table.Keys
	}
	return k
}

func (m *machine) drawWrite(t *rapid.T, k table.Key) table.Write {
	cond := table.Always
	switch rapid.IntRange(0, 9).Draw(t, "cond") {
	case 0:
		cond = table.Present
	case 1, 2:
		cond = table.Absent
	case 3:
		cond = table.VersionIs(rapid.Int64Range(0, 3).Draw(t, "version"))
	case 4:
		it, _ := m.model.get(k)
		cond = table.VersionIs(it.Version)
	case 5:
		cond = table.Equals("m", values.Draw(t, "value"))
	}
	switch rapid.IntRange(0, 5).Draw(t, "op") {
	case 0:
		return table.Check(k, cond)
	case 1:
		return table.Delete(k, cond)
	}
	it := table.Item{Key: k}
	if rapid.Bool().Draw(t, "doc") {
		it.Doc = fmt.Appendf(nil, `{"m":"%s"}`, values.Draw(t, "member"))
	}
	if n := rapid.IntRange(0, 40).Draw(t, "sealed"); n > 0 {
		it.Sealed = bytes.Repeat([]byte{byte(n)}, n*n)
	}
	if rapid.IntRange(0, 3).Draw(t, "expires") == 0 {
		it.Expires = m.model.now.Truncate(time.Second).Add(time.Duration(rapid.IntRange(-1, 900).Draw(t, "seconds")) * time.Second)
	}
	for n := table.G1; n <= table.G5 && k.Space == table.Data; n++ {
		if rapid.IntRange(0, 2).Draw(t, "indexed") == 0 {
			if it.Index == nil {
				it.Index = map[table.Index]table.IndexKey{}
			}
			it.Index[n] = table.IndexKey{PK: indexParts.Draw(t, "index pk"), SK: sortKeys.Draw(t, "index sk")}
		}
	}
	return table.Put(it, cond)
}

func (m *machine) commit(t *rapid.T) {
	keys := rapid.SliceOfNDistinct(rapid.Custom(drawKey), 1, 8, rapid.ID).Draw(t, "keys")
	var writes []table.Write
	for _, k := range keys {
		writes = append(writes, m.drawWrite(t, k))
	}
	token := fmt.Sprint("t", m.n)
	m.n++
	if len(m.model.tokens) > 0 && rapid.IntRange(0, 5).Draw(t, "old token") == 0 {
		token = rapid.SampledFrom(slices.Sorted(maps.Keys(m.model.tokens))).Draw(t, "token")
		if rapid.Bool().Draw(t, "replay") {
			writes = m.model.tokens[token].writes
		}
	}
	before := maps.Clone(m.model.items)
	second := m.model
	second.items = before
	failed, code := m.model.commit(token, writes)
	err := m.store.Commit(t.Context(), token, writes...)
	switch f, ok := err.(*table.ConditionFailed); {
	case code != "":
		if !fault.Is(err, code) {
			t.Fatalf("commit %s: %v, want %s", token, err, code)
		}
	case failed != nil:
		if !ok || len(f.Failed) != len(failed) {
			t.Fatalf("commit: %v, want writes %v to fail", err, failed)
		}
		for i, w := range f.Failed {
			if w.Write != failed[i] {
				t.Fatalf("write %d failed, want %d", w.Write, failed[i])
			}
			want, there := second.get(writes[w.Write].Item.Key)
			if there != (w.Item != nil) || there && !reflect.DeepEqual(*w.Item, want) {
				t.Fatalf("failed write %d names %v, want %v", w.Write, w.Item, want)
			}
		}
	case err != nil:
		t.Fatalf("commit: %v", err)
	}
}

func (m *machine) get(t *rapid.T) {
	keys := rapid.SliceOfNDistinct(rapid.Custom(drawKey), 0, 20, rapid.ID).Draw(t, "keys")
	got, err := m.store.Get(t.Context(), keys...)
	if err != nil {
		t.Fatal(err)
	}
	var want []table.Item
	for _, k := range keys {
		if it, ok := m.model.get(k); ok {
			want = append(want, it)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("get %v\n got %v\nwant %v", keys, got, want)
	}
}

func (m *machine) query(t *rapid.T) {
	q := table.Query{Index: table.Index(rapid.IntRange(0, 5).Draw(t, "index")), Reverse: rapid.Bool().Draw(t, "reverse")}
	if q.PK = partitions.Draw(t, "pk"); q.Index != table.Base {
		q.PK = indexParts.Draw(t, "index pk")
	}
	switch rapid.IntRange(0, 4).Draw(t, "bounds") {
	case 1:
		q.Prefix = sortKeys.Draw(t, "prefix")
	case 2:
		q.From = sortKeys.Draw(t, "from")
	case 3:
		q.To = sortKeys.Draw(t, "to")
	case 4:
		q.From, q.To = sortKeys.Draw(t, "from"), sortKeys.Draw(t, "to")
	}
	want := m.model.query(q)
	q.Limit = rapid.IntRange(1, 5).Draw(t, "limit")
	var got []table.Item
	for {
		p, err := m.store.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, p.Items...); p.Cursor == "" {
			break
		}
		if len(p.Items) != q.Limit {
			t.Fatalf("a page of %d of %d, and not the last", len(p.Items), q.Limit)
		}
		q.Cursor = p.Cursor
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("query %+v\n got %v\nwant %v", q, got, want)
	}
}

func (m *machine) advance(t *rapid.T) {
	m.follow(t) // the feed keeps 24 h: a follower that sleeps longer has gaps
	m.model.now = m.model.now.Add(time.Duration(rapid.SampledFrom([]int{1, 60, 599, 600, 86_400, 90_000}).Draw(t, "seconds")) * time.Second)
}

func (m *machine) reopen(t *rapid.T) {
	if m.store != nil {
		if err := m.store.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := local.Open(m.path, local.Options{Now: func() time.Time { return m.model.now }, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	m.store = s
	maps.DeleteFunc(m.model.tokens, func(_ string, u spent) bool { return u.checks })
}

// follow reads the feed: each change starts from what the one before left, and the result is the table. Expired items may still be there.
func (m *machine) follow(t *rapid.T) {
	for {
		list, next, err := m.store.Changes(t.Context(), m.position, 7)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			k := table.Key{}
			if c.After != nil {
				k = c.After.Key
			} else {
				k = c.Before.Key
			}
			if was, ok := m.follower[k]; ok != (c.Before != nil) || ok && !reflect.DeepEqual(was, *c.Before) {
				t.Fatalf("change of %v from %v, was %v", k, c.Before, was)
			}
			if c.After == nil {
				delete(m.follower, k)
			} else {
				m.follower[k] = *c.After
			}
		}
		if m.position = next; len(list) == 0 {
			break
		}
	}
	live := model{now: m.model.now, items: m.follower}
	for k := range m.follower {
		if it, ok := live.get(k); ok && !reflect.DeepEqual(it, m.model.items[k]) {
			t.Fatalf("the feed's %v is %v, want %v", k, it, m.model.items[k])
		}
	}
	for k := range m.model.items {
		if it, ok := m.model.get(k); ok && k.Space == table.Data && !reflect.DeepEqual(it, m.follower[k]) {
			t.Fatalf("the feed lacks %v", it)
		}
	}
}

func (m *machine) scan(t *rapid.T) {
	of := rapid.IntRange(1, 3).Draw(t, "of")
	got := map[table.Key]table.Item{}
	for segment := range of {
		for it, err := range m.store.Scan(t.Context(), segment, of) {
			if err != nil {
				t.Fatal(err)
			}
			got[it.Key] = it
		}
	}
	for k := range m.model.items {
		it, ok := m.model.get(k)
		if found, there := got[k]; there != (ok && k.Space == table.Data) || there && !reflect.DeepEqual(it, found) {
			t.Fatalf("scan of %v: %v, want %v", k, found, it)
		}
		delete(got, k)
	}
	if len(got) != 0 {
		t.Fatalf("scan gave what is not there: %v", got)
	}
}

func (m *machine) check(t *rapid.T) {
	if err := m.store.Verify(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestModel(t *testing.T) {
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		m := &machine{
			path:     filepath.Join(dir, fmt.Sprint(runs)),
			follower: map[table.Key]table.Item{},
			model:    model{now: time.Unix(1_800_000_000, 500).UTC(), items: map[table.Key]table.Item{}, tokens: map[string]spent{}},
		}
		m.reopen(t)
		defer func() { _ = m.store.Close() }()
		t.Repeat(map[string]func(*rapid.T){
			"commit": m.commit, "commit 2": m.commit, "commit 3": m.commit, "commit 4": m.commit,
			"get": m.get, "query": m.query, "query 2": m.query, "query 3": m.query,
			"advance": m.advance, "reopen": m.reopen, "follow": m.follow, "scan": m.scan, "verify": m.check,
		})
		m.follow(t)
	})
}
