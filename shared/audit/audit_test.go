package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	keyslocal "github.com/steward-crm/steward/shared/keys/local"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/table/local/localtest"
)

// world is a table with a clock that the test moves, and an audit log over it.
type world struct {
	*testing.T
	ctx    context.Context
	table  *local.Store
	since  time.Time // of the tenant
	now    time.Time
	ids    *id.Source
	tenant id.Tenant
	log    *audit.Log
}

func newWorld(t *testing.T) *world {
	w := &world{T: t, ctx: context.Background(), now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	w.since = w.now
	clock := func() time.Time { return w.now }
	seed := rand.NewChaCha8([32]byte{1})
	w.table = localtest.Open(t, clock)
	w.ids = id.NewSource(clock, seed)
	w.tenant = id.New[id.Tenant](w.ids)
	k, err := keyslocal.Open(filepath.Join(t.TempDir(), "keys.json"), clock, seed)
	if err != nil {
		t.Fatal(err)
	}
	w.log = audit.NewLog(w.table, w.table, k)
	return w
}

// act commits one event of the actor on the target, a minute after the one before.
func (w *world) act(actor id.User, action, target string) audit.Event {
	w.Helper()
	w.now = w.now.Add(time.Minute)
	c := change.New(principal.Principal{Tenant: w.tenant, User: actor, Operation: action}, w.ids, w.now)
	c.Record(audit.Event{Target: target})
	if err := c.Commit(w.ctx, w.table); err != nil {
		w.Fatal(err)
	}
	return w.newest()
}

func (w *world) newest() audit.Event {
	w.Helper()
	events, _, err := audit.Events(w.ctx, w.table, w.tenant, audit.Filter{}, w.now.AddDate(0, 0, -30), w.now, "", 1)
	if err != nil || len(events) != 1 {
		w.Fatalf("%d events, %v", len(events), err)
	}
	return events[0]
}

func (w *world) advance() {
	w.Helper()
	for {
		n, err := w.log.Advance(w.ctx, w.now)
		if err != nil {
			w.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

func (w *world) verify(wantOK bool, reason string) {
	w.Helper()
	v, err := w.log.Verify(w.ctx, w.tenant, w.since, w.now)
	if err != nil {
		w.Fatal(err)
	}
	if v.OK != wantOK || v.Reason != reason {
		w.Fatalf("verdict %+v; want ok=%v reason=%q", v, wantOK, reason)
	}
}

// list reads all pages of the size and answers the targets in order.
func (w *world) list(f audit.Filter, size int) []string {
	w.Helper()
	var out []string
	after := ""
	for range 1000 {
		events, next, err := audit.Events(w.ctx, w.table, w.tenant, f, w.now.AddDate(0, 0, -30), w.now, after, size)
		if err != nil {
			w.Fatal(err)
		}
		for _, e := range events {
			out = append(out, e.Target)
		}
		if next == "" {
			return out
		}
		after = next
	}
	w.Fatal("the pages never end")
	return nil
}

func TestEventsByActorTargetAndTime(t *testing.T) {
	w := newWorld(t)
	li, han := id.New[id.User](w.ids), id.New[id.User](w.ids)
	start := w.now
	for i := range 40 { // two events a day, twenty days
		who := li
		if i%4 == 3 {
			who = han
		}
		w.act(who, []string{"accounts.create", "accounts.update"}[i%2], fmt.Sprintf("acct_%02d", i%10))
		if i%2 == 1 {
			w.now = w.now.AddDate(0, 0, 1)
		}
	}
	all := w.list(audit.Filter{}, 100)
	if len(all) != 40 || all[0] != "acct_09" {
		t.Fatalf("%d events, first %v; want 40, newest first", len(all), all[:1])
	}
	for _, size := range []int{1, 3, 7, 39, 40, 41} {
		for name, f := range map[string]audit.Filter{
			"all": {}, "actor": {Actor: string(han)}, "target": {Target: "acct_05"}, "action": {Action: "accounts.update"},
			"time": {From: start.AddDate(0, 0, 3), To: start.AddDate(0, 0, 9)},
			"both": {Actor: string(li), From: start.AddDate(0, 0, 3), Action: "accounts.create"},
		} {
			if got, want := w.list(f, size), w.list(f, 1000); !slices.Equal(got, want) || len(want) == 0 {
				t.Errorf("%s in pages of %d: %d events, in one page %d", name, size, len(got), len(want))
			}
		}
	}
	if got := w.list(audit.Filter{Actor: string(han)}, 100); len(got) != 10 {
		t.Errorf("%d events of one actor, want 10", len(got))
	}
	if got := w.list(audit.Filter{Target: "acct_05", Actor: string(han)}, 100); len(got) != 2 {
		t.Errorf("%d events of one actor on one target, want 2", len(got))
	}
	if got := w.list(audit.Filter{From: start.AddDate(0, 0, 2), To: start.AddDate(0, 0, 4)}, 100); len(got) != 4 {
		t.Errorf("%d events within two days, want 4", len(got))
	}
}

func TestLogIsNumberedWithoutGapAndVerifies(t *testing.T) { // I17
	w := newWorld(t)
	u := id.New[id.User](w.ids)
	for i := range 70 {
		w.act(u, "accounts.create", fmt.Sprint("acct_", i))
		if i%9 == 0 {
			w.advance()
		}
	}
	w.advance()
	h, err := w.log.Head(w.ctx, w.tenant)
	if err != nil || h.Number != 70 {
		t.Fatalf("head at %d, %v; want 70", h.Number, err)
	}
	w.verify(true, "")
	w.advance() // nothing new: nothing moves
	if again, _ := w.log.Head(w.ctx, w.tenant); again.Number != 70 || !bytes.Equal(again.Hash, h.Hash) {
		t.Fatal("the head moved without an event")
	}
}

func TestLogByTwoProcessesNumbersEachEventOnce(t *testing.T) {
	w := newWorld(t)
	u := id.New[id.User](w.ids)
	for i := range 120 {
		w.act(u, "accounts.create", fmt.Sprint("acct_", i))
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				if n, err := w.log.Advance(w.ctx, w.now); err == nil && n == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	w.advance()
	if h, _ := w.log.Head(w.ctx, w.tenant); h.Number != 120 {
		t.Fatalf("head at %d, want 120", h.Number)
	}
	w.verify(true, "")
}

// TestALogThatLagsBehindIsNoBrokenOne: until an event has its number it is counted, and found fault with by nobody.
func TestALogThatLagsBehindIsNoBrokenOne(t *testing.T) {
	w := newWorld(t)
	u := id.New[id.User](w.ids)
	number, unnumbered := int64(0), 0
	verify := func() {
		t.Helper()
		v, err := w.log.Verify(w.ctx, w.tenant, w.since, w.now)
		if err != nil || !v.OK || v.Number != number || v.Unnumbered != unnumbered {
			t.Fatalf("%+v, %v; want %d numbered and %d not", v, err, number, unnumbered)
		}
	}
	verify()
	var last audit.Event
	for _, round := range []int{1, 30, 3} {
		for i := range round {
			last = w.act(u, "accounts.create", fmt.Sprint("acct_", i))
			unnumbered++
			verify()
		}
		w.advance()
		number, unnumbered = number+int64(round), 0
		verify()
		w.now = w.now.AddDate(0, 0, 3)
		verify()
	}
	w.commit(table.Delete(key.AuditEvent(w.tenant, last.At, last.ID), table.Present))
	w.act(u, "accounts.create", "acct_1")
	w.verify(false, "event_missing") // what lags hides nothing
}

func TestVerifyFindsEveryTampering(t *testing.T) {
	for _, row := range []struct {
		name, reason string
		tamper       func(w *world, e audit.Event)
	}{
		{"an event was changed", "event_changed", func(w *world, e audit.Event) {
			e.Actor = "user_someone_else"
			wr, err := e.Write()
			if err != nil {
				w.Fatal(err)
			}
			w.put(wr.Item)
		}},
		{"an event was removed", "event_missing", func(w *world, e audit.Event) {
			w.commit(table.Delete(key.AuditEvent(w.tenant, e.At, e.ID), table.Present))
		}},
		{"an entry was removed", "gap", func(w *world, _ audit.Event) {
			w.commit(table.Delete(key.AuditLogEntry(w.tenant, 5), table.Present))
		}},
		{"the last entry was cut off", "head_wrong", func(w *world, _ audit.Event) {
			w.commit(table.Delete(key.AuditLogEntry(w.tenant, 10), table.Present))
		}},
		{"two entries were swapped", "gap", func(w *world, _ audit.Event) {
			a, b := w.get(key.AuditLogEntry(w.tenant, 4)), w.get(key.AuditLogEntry(w.tenant, 5))
			a.Doc, b.Doc = b.Doc, a.Doc
			w.put(a)
			w.put(b)
		}},
		{"the head was set back with its log", "head_forged", func(w *world, _ audit.Event) {
			h := w.get(key.AuditLogHead(w.tenant))
			h.Doc = bytes.Replace(h.Doc, []byte(`"number":10`), []byte(`"number":9`), 1)
			w.put(h)
			w.commit(table.Delete(key.AuditLogEntry(w.tenant, 10), table.Present))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorld(t)
			var fifth audit.Event
			for i := range 10 {
				e := w.act(id.New[id.User](w.ids), "accounts.create", fmt.Sprint("acct_", i))
				if i == 4 {
					fifth = e
				}
			}
			w.advance()
			w.verify(true, "")
			row.tamper(w, fifth)
			w.verify(false, row.reason)
		})
	}
}

func (w *world) put(it table.Item) { w.Helper(); w.commit(table.Put(it, table.Always)) }

func (w *world) commit(wr table.Write) {
	w.Helper()
	if err := w.table.Commit(w.ctx, w.ids.ULID(), wr); err != nil {
		w.Fatal(err)
	}
}

func (w *world) get(k table.Key) table.Item {
	w.Helper()
	rows, err := w.table.Get(w.ctx, k)
	if err != nil || len(rows) != 1 {
		w.Fatalf("%d items, %v", len(rows), err)
	}
	return rows[0]
}
