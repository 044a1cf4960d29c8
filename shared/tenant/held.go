package tenant

import (
	"context"
	"strconv"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// MaxHeld is how many events may wait for one external id.
const MaxHeld = 100

// held is the document of an event that waits: key.Control, in the order of timestamps. The event itself is sealed.
type held struct {
	Type    string `json:"type"`
	Webhook string `json:"webhookId"`
}

func heldPart(external string) string { return "HELD#" + external }

func heldPlace(sk string) crypt.Place {
	return crypt.Place{Record: sk, Item: "HELD", Path: "event", Schema: 1}
}

// changeOrHold follows an event of an active tenant, or of one that was, and lets one of a tenant that is not there yet wait.
func (s *Store) changeOrHold(ctx context.Context, c *change.Set, k *crypt.TenantKey, d Delivery, l *link, e Event) (Receipt, error) {
	if l == nil {
		c.Check(key.External(e.External()), table.Absent, nil)
		as(c, System)
		return s.hold(ctx, c, k, d, "", e)
	}
	as(c, l.Tenant)
	row, version, err := s.row(ctx, l.Tenant)
	if err != nil {
		return Receipt{}, err
	}
	if version == 0 || row.Status == principal.TenantProvisioning {
		// The onboarding looks for held events after it has ended: one that is held must be held before.
		c.Check(key.Onboarding(l.Onboarding), table.Equals("status", string(principal.TenantProvisioning)), nil)
		return s.hold(ctx, c, k, d, l.Tenant, e)
	}
	outcome, err := s.apply(ctx, c, l, row, version, &e)
	return Receipt{Status: outcome, Tenant: l.Tenant}, err
}

func (s *Store) hold(ctx context.Context, c *change.Set, k *crypt.TenantKey, d Delivery, t id.Tenant, e Event) (Receipt, error) {
	pk := key.Control(heldPart(e.External()), "")
	page, err := s.table.Query(ctx, table.Query{PK: pk.PK, Limit: MaxHeld})
	if err != nil {
		return Receipt{}, err
	}
	if len(page.Items) >= MaxHeld {
		return Receipt{}, fault.New(fault.Exhausted, "too_many_held", "max", strconv.Itoa(MaxHeld))
	}
	b, err := json.Marshal(e, json.Deterministic(true))
	if err != nil {
		return Receipt{}, internal(err)
	}
	sk := key.Stamp(e.Timestamp) + "#" + d.ID
	it := table.Item{Key: key.Control(heldPart(e.External()), sk), Expires: c.Now.Add(Kept)}
	if it.Sealed, err = k.Seal(heldPlace(sk), b); err != nil {
		return Receipt{}, err
	}
	if err := put(c, it, held{Type: e.Type, Webhook: d.ID}, table.Absent); err != nil {
		return Receipt{}, err
	}
	c.Record(audit.Event{Action: "tenants.hold", Target: string(t), Note: e.Type})
	return Receipt{Status: Held, Tenant: t}, nil
}

// replay follows the events that wait for the tenant, the oldest first, each in a commit of its own that also removes it. One that cannot
// be followed any more is dropped with an audit event that says why.
func (s *Store) replay(ctx context.Context, r Run, w *work) error {
	k, err := s.vault(ctx)
	if err != nil {
		return err
	}
	pk := key.ControlPartition(heldPart(w.onboarding.ExternalID))
	for {
		page, err := s.table.Query(ctx, table.Query{PK: pk, Limit: 1})
		if err != nil || len(page.Items) == 0 {
			return err
		}
		it := page.Items[0]
		b, err := k.Open(heldPlace(it.SK), it.Sealed)
		if err != nil {
			return err
		}
		var e Event
		if err := decode(b, &e); err != nil {
			return err
		}
		err = r.Step(ctx, &w.state, len(steps), len(steps), "active", func(c *change.Set) error {
			as(c, w.onboarding.Tenant)
			return s.replayOne(ctx, c, it, &e)
		})
		if err != nil {
			return err
		}
	}
}

func (s *Store) replayOne(ctx context.Context, c *change.Set, it table.Item, e *Event) error {
	l, err := s.follow(ctx, e.External())
	if err != nil {
		return err
	}
	if l == nil {
		return fault.New(fault.Internal, "internal") // an active tenant without its link
	}
	row, version, err := s.row(ctx, l.Tenant)
	if err != nil {
		return err
	}
	c.Delete(it.Key, table.VersionIs(it.Version), nil)
	_, err = s.apply(ctx, c, l, row, version, e)
	if fault.IsKind(err, fault.Conflict) || fault.IsKind(err, fault.Invalid) {
		c.Record(audit.Event{Action: actions[e.Type], Target: string(l.Tenant), Outcome: audit.Denied, Code: fault.Of(err).Code, Note: "held"})
		return nil
	}
	return err
}
