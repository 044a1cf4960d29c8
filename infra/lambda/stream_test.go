package lambda_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/edge/edgetest"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/job"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// pushed makes a handler whose event is positions, comma by comma, of changes of the feed: "bad" cannot be read.
func pushed(changes []table.Change, consumers ...lambda.Consumer) lambda.Handler {
	return lambda.Stream(func(event []byte) (out []table.Change, bad string, err error) {
		for p := range strings.SplitSeq(string(event), ",") {
			if strings.HasPrefix(p, "bad") {
				return out, p, errors.New("unreadable")
			}
			out = append(out, changes[slices.IndexFunc(changes, func(c table.Change) bool { return c.Position == p })])
		}
		return out, "", nil
	}, quiet(), consumers...)
}

// failed gives the records that a handler wants again.
func failed(t testing.TB, h lambda.Handler, event string) (ids []string) {
	t.Helper()
	b, err := h(t.Context(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Items []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(b, &f, json.RejectUnknownMembers(true)); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	for _, i := range f.Items {
		ids = append(ids, i.ID)
	}
	return ids
}

// TestBatches: a batch comes again from the first change on that some consumer cannot take, and what lies before it does not.
func TestBatches(t *testing.T) {
	var changes []table.Change
	for i := range 6 {
		changes = append(changes, table.Change{Position: strconv.Itoa(i)})
	}
	refuses := func(bad string) lambda.Consumer {
		return func(_ context.Context, of []table.Change) error {
			if slices.ContainsFunc(of, func(c table.Change) bool { return c.Position == bad }) {
				return errors.New("refused")
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		event     string
		consumers []lambda.Consumer
		want      []string
	}{
		"all are taken":                      {"0,1,2", []lambda.Consumer{refuses("9")}, nil},
		"one is not":                         {"0,1,2,3", []lambda.Consumer{refuses("2")}, []string{"2"}},
		"the first is not":                   {"0,1", []lambda.Consumer{refuses("0")}, []string{"0"}},
		"one consumer fails, the other not":  {"0,1,2", []lambda.Consumer{refuses("9"), refuses("1")}, []string{"1"}},
		"both fail, and the earlier decides": {"0,1,2", []lambda.Consumer{refuses("2"), refuses("1")}, []string{"1"}},
		"one cannot be read":                 {"0,1,bad7", []lambda.Consumer{refuses("9")}, []string{"bad7"}},
		"one before it is not taken":         {"0,1,bad7", []lambda.Consumer{refuses("0")}, []string{"0"}},
		"the first cannot be read":           {"bad7", []lambda.Consumer{refuses("9")}, []string{"bad7"}},
		"there is no consumer":               {"0,1", nil, nil},
	} {
		if got := failed(t, pushed(changes, c.consumers...), c.event); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v come again, want %v", name, got, c.want)
		}
	}
}

// TestAuditLogFromStream: events that are pushed twice, out of order, in batches that fail in the middle and by two functions at once get each
// one number, and the log verifies.
func TestAuditLogFromStream(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t)
	const events = 60
	for range events {
		c := change.New(principal.Principal{Tenant: tenant, User: id.New[id.User](d.IDs), Operation: "roles.create"}, d.IDs, d.Now())
		c.Record(audit.Event{Target: "x"})
		if err := c.Commit(t.Context(), d.Table); err != nil {
			t.Fatal(err)
		}
	}
	changes, _, err := d.Store.Changes(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	trail := audit.NewLog(d.Table, nil, d.Master)
	h := pushed(changes, func(ctx context.Context, of []table.Change) error {
		_, err := trail.Take(ctx, of, d.Now())
		return err
	})
	var n atomic.Int64
	d.Faults.Before = func(c tablelocal.Call) error {
		if c.Op == "commit" && n.Add(1)%3 == 0 {
			return tablelocal.Throttled()
		}
		return nil
	}
	d.Faults.After = func(tablelocal.Call) error {
		if n.Load()%5 == 0 {
			return tablelocal.Lost()
		}
		return nil
	}
	var positions []string
	for _, c := range changes {
		positions = append(positions, c.Position)
	}
	shard := func(seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		order := slices.Clone(positions)
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for len(order) > 0 {
			batch := order[:min(len(order), 1+r.IntN(20))]
			for range 200 { // Lambda sends what failed again, and what lies behind it
				again := failed(t, h, strings.Join(batch, ","))
				if len(again) == 0 {
					break
				}
				batch = batch[slices.Index(batch, again[0]):]
			}
			order = order[min(len(order), len(batch)):]
		}
	}
	done := make(chan struct{})
	go func() { defer close(done); shard(1) }()
	shard(2)
	<-done
	*d.Faults = tablelocal.Faults{}
	if again := failed(t, h, strings.Join(positions, ",")); again != nil {
		t.Fatalf("%v come again without a fault", again)
	}
	v, err := trail.Verify(t.Context(), tenant, time.Time{}, d.Clock.Now())
	if err != nil || !v.OK || v.Number != events {
		t.Errorf("%+v of %d events: %v", v, events, err)
	}
}

// queue keeps what was sent.
type queue struct {
	sent  []lambda.Due
	kinds []string
	pause []time.Duration
	fail  bool
}

func (q *queue) Wake(_ context.Context, kind string, j lambda.Due, pause time.Duration) error {
	if q.fail {
		return errors.New("the queue is away")
	}
	q.sent, q.kinds, q.pause = append(q.sent, j), append(q.kinds, kind), append(q.pause, pause)
	return nil
}

// stage makes a job that is due after the time.
func stage(t testing.TB, d *edgetest.Deployment, s *job.Store, tenant id.Tenant, after time.Duration) id.Job {
	t.Helper()
	by := tenant
	if by == "" {
		by = d.Tenant(t)
	}
	c := change.New(principal.System(by, "x.y", d.Now()), d.IDs, d.Now())
	j, err := s.Stage(c, tenant, "x.y", struct{}{}, d.Now().Add(after))
	if err != nil {
		t.Fatal(err)
	}
	c.Record(audit.Event{Target: string(j)})
	if err := c.Commit(t.Context(), d.Table); err != nil {
		t.Fatal(err)
	}
	return j
}

// TestJobs: the stream wakes what waits and is due soon; jobs.due finds the others; a message that comes twice, early, late or broken runs
// nothing twice and holds up no other.
func TestJobs(t *testing.T) {
	d := edgetest.Deploy(t)
	tenant := d.Tenant(t)
	s := job.New(d.Table, d.IDs, d.Now)
	now, soon, late := stage(t, d, s, tenant, 0), stage(t, d, s, tenant, 90*time.Second), stage(t, d, s, tenant, time.Hour)
	free := stage(t, d, s, "", 0)
	changes, _, err := d.Store.Changes(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	var positions []string
	for _, c := range changes {
		positions = append(positions, c.Position)
	}
	q := &queue{fail: true}
	stream := pushed(changes, lambda.Wake(q, d.Now))
	if again := failed(t, stream, strings.Join(positions, ",")); len(again) != 1 {
		t.Errorf("the queue is away: %v come again", again)
	}
	q.fail = false
	if again := failed(t, stream, strings.Join(positions, ",")); again != nil {
		t.Errorf("%v come again", again)
	}
	want := []lambda.Due{{Tenant: tenant, Job: now}, {Tenant: tenant, Job: soon}, {Job: free}}
	if !slices.Equal(q.sent, want) || !slices.Equal(q.kinds, []string{"x.y", "x.y", "x.y"}) || !slices.Equal(q.pause, []time.Duration{0, 90 * time.Second, 0}) {
		t.Errorf("sent %v, %v", q.sent, q.pause)
	}

	ran := map[id.Job]int{}
	w := job.NewWorker(s, nil, quiet())
	w.Handle("x.y", func(_ context.Context, r *job.Run) error { ran[r.Job.ID]++; return nil })
	run := lambda.RunJobs(quiet(), w)
	message := func(n string, body any) string {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		one, err := json.Marshal(map[string]string{"messageId": n, "body": string(b), "receiptHandle": "x"})
		if err != nil {
			t.Fatal(err)
		}
		return string(one)
	}
	gone := lambda.Due{Tenant: tenant, Job: id.New[id.Job](d.IDs)}
	batch := `{"Records":[` + strings.Join([]string{
		message("1", want[1]), message("2", want[0]), message("3", "no job"), message("4", want[2]), message("5", want[0]), message("6", gone),
	}, ",") + `]}`
	for range 2 {
		if got := failed(t, run, batch); !slices.Equal(got, []string{"3"}) {
			t.Errorf("%v come again", got)
		}
	}
	if ran[now] != 1 || ran[free] != 1 || ran[soon]+ran[late] != 0 {
		t.Errorf("ran %v", ran)
	}
	d.Clock.Add(2 * time.Hour)
	q.sent = nil
	if _, err := lambda.WakeDue(s, q)(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(q.sent, []lambda.Due{{Tenant: tenant, Job: soon}, {Tenant: tenant, Job: late}}) {
		t.Errorf("jobs.due sent %v", q.sent)
	}
	failed(t, run, `{"Records":[`+message("1", q.sent[0])+","+message("2", q.sent[1])+`]}`)
	failed(t, run, batch) // long after, when what is done is past its time as well
	if ran[soon] != 1 || ran[late] != 1 || ran[now] != 1 || ran[free] != 1 {
		t.Errorf("ran %v", ran)
	}
}
