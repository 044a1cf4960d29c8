package webhooks_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/table/local"
	"github.com/steward-crm/steward/shared/tenant"
)

// TestOnboardingSurvivesEveryStumble: a call that fails once, or whose reply is lost, while the process lives on.
func TestOnboardingSurvivesEveryStumble(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		for n := 1; ; n++ {
			d, m := openMortal(t)
			m.at, m.after, m.stumble = n, after, true
			r := d.live(m, "msg_1", created())
			if p := d.progress(r.ID); p.Status != "active" {
				t.Fatalf("stumble %d, after %v: %+v", n, after, p)
			}
			if got := d.census(); got != one {
				t.Fatalf("stumble %d, after %v: %+v", n, after, got)
			}
			if m.at != 0 {
				break
			}
		}
	}
}

// TestOnboardingSurvivesEveryDeath is I31 and I32 under crashes: wherever the process dies, once, the next one completes the onboarding,
// and every step has taken effect once.
func TestOnboardingSurvivesEveryDeath(t *testing.T) {
	t.Parallel()
	eachDeath(t, func(t *testing.T, d *desk, m *mortal) {
		r := d.live(m, "msg_1", created())
		if p := d.progress(r.ID); p.Status != "active" {
			t.Fatalf("%+v", p)
		}
		if got := d.census(); got != one {
			t.Fatalf("%+v", got)
		}
		if row := d.row(r.Tenant); row.Status != principal.TenantActive || row.Users != 1 {
			t.Fatalf("%+v", row)
		}
		steps := map[string]int{}
		for _, e := range d.audit(r.Tenant) {
			if e.Action == tenant.JobOnboard {
				steps[e.Note]++
			}
		}
		for _, s := range []string{"tenant", "key", "roles", "company", "administrator", "invitation", "active"} {
			if steps[s] != 1 {
				t.Errorf("step %s was recorded %d times", s, steps[s])
			}
		}
	})
}

// TestFailedOnboardingIsUndoneAtEveryDeath: an invitation that can never be delivered fails the onboarding at its last step. Wherever the
// process dies, on the way there or on the way back, nothing is left but the record.
func TestFailedOnboardingIsUndoneAtEveryDeath(t *testing.T) {
	t.Parallel()
	eachDeath(t, func(t *testing.T, d *desk, m *mortal) {
		m.mail = fault.New(fault.Invalid, "undeliverable")
		r := d.live(m, "msg_1", created())
		d.nothingLeft(m, r, "invitation", "undeliverable")
	})
}

// TestUndoIsNeverGivenUp: a provider that cannot delete for half a day, longer than any job is tried, leaves nothing behind in the end.
func TestUndoIsNeverGivenUp(t *testing.T) {
	d, m := openMortal(t)
	m.mail = fault.New(fault.Invalid, "undeliverable")
	up := d.Now().Add(12 * time.Hour)
	m.deletes = func() error {
		if d.Now().Before(up) {
			return fault.New(fault.Unavailable, "identity_unavailable")
		}
		return nil
	}
	r := d.receipt(d.send("msg_1", created()), http.StatusAccepted)
	for d.waiting() && d.Now().Before(up.Add(time.Hour)) {
		if _, err := d.worker.RunDue(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.Clock.Add(time.Minute)
	}
	d.nothingLeft(m, r, "invitation", "undeliverable")
}

// nothingLeft holds I32: of a failed onboarding there is the record with the step and the code, the audit, and nothing else: no row, no
// key, no identity. And the customer can be onboarded again under the same names.
func (d *desk) nothingLeft(m *mortal, r receipt, step, code string) {
	t := d.t
	t.Helper()
	if p := d.progress(r.ID); p != (progress{r.ID, "failed", step, code}) {
		t.Fatalf("%+v", p)
	}
	left := d.left()
	if !strings.Contains(left, string(r.ID)) || strings.Count(left, "\n") != 0 {
		t.Fatalf("left behind:\n%s", left)
	}
	record, err := d.Table.Get(t.Context(), key.Onboarding(r.ID))
	if err != nil || len(record) != 1 || len(record[0].Sealed) != 0 {
		t.Fatalf("what the webhook said stays beside the record: %v", err)
	}
	for k := range m.keys {
		items, err := d.Table.Get(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		if x, _ := key.TenantOf(k.PK); len(items) != 0 && x != tenant.System {
			t.Fatalf("key left behind: %v", k)
		}
	}
	if got := d.census(); got.tenants != 0 || got.admins != 0 || got.identities != 0 {
		t.Fatalf("%+v", got)
	}
	// The same webhook again speaks of what was; the same customer in a new webhook is onboarded.
	if again := d.receipt(d.send("msg_1", created()), http.StatusOK); again != r {
		t.Fatalf("%+v", again)
	}
	m.mail, m.refuse = nil, nil
	fresh := d.live(m, "msg_2", created())
	if p := d.progress(fresh.ID); p.Status != "active" || fresh.ID == r.ID || fresh.Tenant == r.Tenant {
		t.Fatalf("%+v", p)
	}
}

// TestFailureOfEachStepIsUndone lets each step fail for good.
func TestFailureOfEachStepIsUndone(t *testing.T) {
	t.Parallel()
	for step, hits := range map[string]func(w table.Write) bool{
		"tenant":        func(w table.Write) bool { return w.Item.SK == "TENANT" && w.If == table.Absent },
		"key":           func(w table.Write) bool { return w.Item.Space == table.Keys && w.Item.SK == "HEAD" },
		"roles":         func(w table.Write) bool { return strings.HasPrefix(w.Item.SK, key.RolePrefix) },
		"company":       func(w table.Write) bool { return w.Item.SK == "COMPANY" },
		"administrator": func(w table.Write) bool { return w.Item.SK == "USER" && w.If == table.Absent },
		"active": func(w table.Write) bool {
			return w.Item.SK == "TENANT" && strings.Contains(string(w.Item.Doc), `"status":"active"`)
		},
	} {
		for name, row := range map[string]struct {
			err  *fault.Fault
			code string
		}{
			"at once":      {fault.New(fault.Invalid, "record_too_large"), "record_too_large"},
			"after trying": {fault.New(fault.Unavailable, "keys_unavailable"), "keys_unavailable"},
			"by a mistake": {fault.New(fault.Internal, "internal"), "internal"},
		} {
			t.Run(step+" fails "+name, func(t *testing.T) {
				d, m := openMortal(t)
				d.t = t
				m.refuse = func(c local.Call) error {
					for _, w := range c.Writes {
						if x, ok := key.TenantOf(w.Item.PK); ok && x != tenant.System && w.Op == table.OpPut && hits(w) {
							return row.err
						}
					}
					return nil
				}
				r := d.live(m, "msg_1", created())
				d.nothingLeft(m, r, step, row.code)
			})
		}
	}
}
