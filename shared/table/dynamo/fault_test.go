package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/dynamo"
)

// harm are the faults of a test, with how many of ten requests meet one.
type harm struct {
	name   string
	faults []peers.Fault
	often  int
}

func harms() []harm {
	var all []peers.Fault
	names := []string{"lost", "lost thrice", "unsent", "late", "twice", "delayed", "throttled", "conflicting", "broken", "broken after", "unprocessed"}
	out := []harm{{name: "none"}}
	for i, name := range names {
		f := peers.Lost + peers.Fault(i)
		out = append(out, harm{name, []peers.Fault{f}, 4})
		all = append(all, f)
	}
	return append(out, harm{"all", all, 5}, harm{"all, nearly always", all, 8})
}

// openHarmed gives a Store that is tried by the faults, so impatient that callers see failures.
func openHarmed(t *testing.T, h harm, now func() time.Time) (*dynamo.Store, *strict, *peers.Proxy) {
	t.Helper()
	var mu sync.Mutex
	met := 0
	t.Cleanup(func() {
		if h.often > 0 && met < 5 {
			t.Errorf("%d faults met: the test is too easy", met)
		}
	})
	r := rand.New(rand.NewPCG(1, uint64(len(h.name))))
	p := &peers.Proxy{Next: transport(t), Delay: time.Millisecond, Choose: func(string) peers.Fault {
		mu.Lock()
		defer mu.Unlock()
		if r.IntN(10) >= h.often {
			return peers.Pass
		}
		met++
		return h.faults[r.IntN(len(h.faults))]
	}}
	peer, address := newStrict(t, now)
	s := open(t, dynamo.Options{AWS: client(address, p), Data: peer.data, Keys: peer.keys, Now: now, Pause: atOnce, Attempts: 3})
	return s, peer, p
}

// insist calls until the answer is not Unavailable, as a caller that wants to know does.
func insist(ctx context.Context, f func() error) error {
	var err error
	for range 500 {
		if err = f(); !fault.IsKind(err, fault.Unavailable) || ctx.Err() != nil {
			return err
		}
	}
	return err
}

// model is what the table must hold. Items that expire lie under keys of their own, on which there is no Always: whether a version goes
// on from one that has expired depends on when it was taken away.
type model map[table.Key]table.Item

func (m model) alive(k table.Key, now time.Time) *table.Item {
	it, ok := m[k]
	if !ok || !it.Expires.IsZero() && it.Expires.Unix() <= now.Unix() {
		return nil
	}
	return &it
}

func (m model) holds(w *table.Write, now time.Time) bool {
	it := m.alive(w.Item.Key, now)
	switch w.If.Kind {
	case table.CondAbsent:
		return it == nil
	case table.CondPresent:
		return it != nil
	case table.CondVersion:
		return it != nil && it.Version == w.If.Version
	case table.CondEquals:
		return it != nil && string(it.Doc) == fmt.Sprintf(`{"by":%q}`, w.If.Value)
	default:
		return true
	}
}

// draw makes up to five writes, mostly such that they will do.
func (m model) draw(r *rand.Rand, n int, now time.Time) (out []table.Write) {
	for _, k := range r.Perm(12)[:1+r.IntN(5)] {
		it := table.Item{Key: table.Key{Space: table.Space(k % 2), PK: fmt.Sprint("p", k%3), SK: fmt.Sprint(k)}, Doc: fmt.Appendf(nil, `{"by":"%d"}`, n)}
		if k%2 == 0 && r.IntN(2) == 0 {
			it.Index = map[table.Index]table.IndexKey{table.Index(1 + r.IntN(5)): {PK: "g", SK: it.SK}}
		}
		mortal := k >= 6
		if mortal && r.IntN(3) > 0 {
			it.Expires = now.Add(time.Duration(1+r.IntN(90)) * time.Second)
		}
		cond := table.Absent
		if old := m.alive(it.Key, now); old != nil && r.IntN(12) > 0 {
			cond = []table.Cond{table.Present, table.VersionIs(old.Version), table.Equals("by", string(old.Doc[7:len(old.Doc)-2]))}[r.IntN(3)]
		}
		switch x := r.IntN(10); {
		case x == 0 && !mortal:
			out = append(out, table.Put(it, table.Always))
		case x < 6:
			out = append(out, table.Put(it, cond))
		case x < 8:
			out = append(out, table.Delete(it.Key, cond))
		default:
			out = append(out, table.Check(it.Key, cond))
		}
	}
	return out
}

func (m model) apply(writes []table.Write, now time.Time) {
	for _, w := range writes {
		switch w.Op {
		case table.OpPut:
			it := w.Item
			if it.Version = 1; m.alive(it.Key, now) != nil {
				it.Version = m[it.Key].Version + 1
			}
			m[it.Key] = it
		case table.OpDelete:
			delete(m, w.Item.Key)
		}
	}
}

// TestOnceUnderFaults commits at random under every fault and holds each answer and the outcome against the model: nothing is applied twice,
// nothing that was acknowledged is lost, what failed was not written.
func TestOnceUnderFaults(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, h := range harms() {
		t.Run(h.name, func(t *testing.T) {
			c := newClock()
			s, peer, proxy := openHarmed(t, h, c.Now)
			r := rand.New(rand.NewPCG(2, 3))
			m := model{}
			done := 0
			for n := range 300 {
				c.Add(time.Duration(r.IntN(20)) * time.Second)
				writes := m.draw(r, n, c.Now())
				var want []int
				for i := range writes {
					if !m.holds(&writes[i], c.Now()) {
						want = append(want, i)
					}
				}
				err := insist(t.Context(), func() error { return s.Commit(t.Context(), fmt.Sprint("token ", n), writes...) })
				proxy.Settle() // a token lives ten minutes of the clock, which runs fast here; what comes later than its answer: TestStrayCopy
				var got []int
				if f, ok := errors.AsType[*table.ConditionFailed](err); ok {
					for _, w := range f.Failed {
						got = append(got, w.Write)
					}
				} else if err != nil {
					t.Fatalf("commit %d: %v", n, err)
				}
				if !slices.Equal(got, want) {
					t.Fatalf("commit %d: writes %v failed, want %v", n, got, want)
				}
				if err == nil {
					m.apply(writes, c.Now())
					done++
				}
			}
			proxy.Settle()
			if peer.applied != done {
				t.Errorf("%d transactions applied, %d acknowledged", peer.applied, done)
			}
			m.compare(t, s, c.Now())
			if done < 100 {
				t.Errorf("%d of 300 commits did: the test is too easy", done)
			}
		})
	}
}

// compare reads everything, through the same faults.
func (m model) compare(t *testing.T, s *dynamo.Store, now time.Time) {
	t.Helper()
	var keys []table.Key
	for k := range 12 {
		keys = append(keys, table.Key{Space: table.Space(k % 2), PK: fmt.Sprint("p", k%3), SK: fmt.Sprint(k)})
	}
	var items []table.Item
	if err := insist(t.Context(), func() (err error) { items, err = s.Get(t.Context(), keys...); return err }); err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, k := range keys {
		if it := m.alive(k, now); it != nil {
			want = append(want, show(it))
		}
	}
	var got []string
	for i := range items {
		got = append(got, show(&items[i]))
	}
	if !slices.Equal(got, want) {
		t.Errorf("the table holds\n%q, want\n%q", got, want)
	}
}

func show(it *table.Item) string {
	return fmt.Sprintf("%v v%d %s %v %d", it.Key, it.Version, it.Doc, it.Index, it.Expires.Unix())
}

// TestWritersUnderFaults has writers that add to two counters at once, in transactions that meet each other, under every fault.
func TestWritersUnderFaults(t *testing.T) {
	defer goleak.VerifyNone(t)
	const writers, each, counters = 6, 8, 4
	key := func(i int) table.Key { return table.Key{PK: "counter", SK: fmt.Sprint(i)} }
	for _, h := range harms() {
		t.Run(h.name, func(t *testing.T) {
			s, peer, proxy := openHarmed(t, h, newClock().Now)
			var made []table.Write
			for i := range counters {
				made = append(made, table.Put(table.Item{Key: key(i), Doc: []byte(`{"n":0}`)}, table.Absent))
			}
			if err := insist(t.Context(), func() error { return s.Commit(t.Context(), "make", made...) }); err != nil {
				t.Fatal(err)
			}
			var added [counters]atomic.Int64
			var g sync.WaitGroup
			for w := range writers {
				g.Go(func() {
					r := rand.New(rand.NewPCG(uint64(w), 5))
					for done, n := 0, 0; done < each && n < 1000; n++ {
						two := r.Perm(counters)[:2]
						ok, err := addTo(t.Context(), s, fmt.Sprint(w, "-", n), key(two[0]), key(two[1]))
						if err != nil {
							t.Errorf("writer %d: %v", w, err)
							return
						}
						if ok {
							done++
							added[two[0]].Add(1)
							added[two[1]].Add(1)
						}
					}
				})
			}
			g.Wait()
			proxy.Settle()
			if want := writers*each + 1; peer.applied != want {
				t.Errorf("%d transactions applied, %d acknowledged", peer.applied, want)
			}
			for i := range counters {
				var items []table.Item
				if err := insist(t.Context(), func() (err error) { items, err = s.Get(t.Context(), key(i)); return err }); err != nil {
					t.Fatal(err)
				}
				if n := added[i].Load(); string(items[0].Doc) != fmt.Sprintf(`{"n":%d}`, n) || items[0].Version != n+1 {
					t.Errorf("counter %d: %s at version %d after %d additions", i, items[0].Doc, items[0].Version, n)
				}
			}
		})
	}
}

// addTo adds 1 to both, unless another came in between.
func addTo(ctx context.Context, s *dynamo.Store, token string, keys ...table.Key) (bool, error) {
	var items []table.Item
	if err := insist(ctx, func() (err error) { items, err = s.Get(ctx, keys...); return err }); err != nil {
		return false, err
	}
	var writes []table.Write
	for _, it := range items {
		var n int
		if _, err := fmt.Sscanf(string(it.Doc), `{"n":%d}`, &n); err != nil {
			return false, err
		}
		next := table.Item{Key: it.Key, Doc: fmt.Appendf(nil, `{"n":%d}`, n+1)}
		writes = append(writes, table.Put(next, table.VersionIs(it.Version)))
	}
	err := insist(ctx, func() error { return s.Commit(ctx, token, writes...) })
	if _, failed := errors.AsType[*table.ConditionFailed](err); failed {
		return false, nil
	}
	return err == nil, err
}

// TestReadsUnderFaults reads pages and many keys through every fault.
func TestReadsUnderFaults(t *testing.T) {
	for _, h := range harms() {
		t.Run(h.name, func(t *testing.T) {
			s, _, _ := openHarmed(t, h, newClock().Now)
			var writes []table.Write
			var keys []table.Key
			for i := range 60 {
				k := table.Key{PK: "p", SK: fmt.Sprintf("%02d", i)}
				keys = append(keys, k)
				writes = append(writes, table.Put(table.Item{Key: k}, table.Absent))
			}
			if err := insist(t.Context(), func() error { return s.Commit(t.Context(), "t", writes...) }); err != nil {
				t.Fatal(err)
			}
			slices.Reverse(keys)
			var items []table.Item
			for range 5 {
				if err := insist(t.Context(), func() (err error) { items, err = s.Get(t.Context(), keys...); return err }); err != nil {
					t.Fatal(err)
				}
				if len(items) != len(keys) {
					t.Fatalf("%d items of %d keys", len(items), len(keys))
				}
			}
			q := table.Query{PK: "p", Reverse: true, Limit: 2}
			var paged []table.Item
			for {
				var page table.Page
				if err := insist(t.Context(), func() (err error) { page, err = s.Query(t.Context(), q); return err }); err != nil {
					t.Fatal(err)
				}
				paged = append(paged, page.Items...)
				if q.Cursor = page.Cursor; q.Cursor == "" {
					break
				}
			}
			for what, list := range map[string][]table.Item{"get": items, "query": paged} {
				if !slices.EqualFunc(list, keys, func(it table.Item, k table.Key) bool { return it.Key == k }) {
					t.Errorf("%s: %d items of %d, or in another order", what, len(list), len(keys))
				}
			}
		})
	}
}
