package tenant

import (
	"context"
	"crypto/subtle"

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

// source names where these webhooks come from, in the keys of their records.
const source = "onboarding"

// Outcome says what an event came to.
type Outcome string

// The outcomes.
const (
	Provisioning Outcome = "provisioning" // the onboarding has begun; ask for it by its id
	Applied      Outcome = "applied"
	Unchanged    Outcome = "unchanged"  // everything is as the event wants it already
	Superseded   Outcome = "superseded" // a later event of the same matter was followed before
	Held         Outcome = "held"       // the tenant is not active yet: the event waits
	Ignored      Outcome = "ignored"    // a type that Steward does not act on
)

// Receipt is the reply to an event.
type Receipt struct {
	ID     id.Onboarding `json:"id,omitempty"` // of the onboarding; tenant.created only
	Status Outcome       `json:"status"`
	Tenant id.Tenant     `json:"tenantId,omitempty"`
}

// Delivery is one webhook whose signature was found right.
type Delivery struct {
	ID   string // webhook-id
	Body []byte // as it was signed
}

// record is the document of key.Webhook.
type record struct {
	Digest []byte  `json:"digest"` // keyed, of the body
	Reply  Receipt `json:"reply"`
}

// Delivered gives the reply that the webhook got before; ok is false for a new one. The same id with another body is Conflict
// webhook_id_reused.
func (s *Store) Delivered(ctx context.Context, d Delivery) (r Receipt, ok bool, err error) {
	items, err := s.table.Get(ctx, key.Webhook(source, d.ID))
	if err != nil || len(items) == 0 {
		return r, false, err
	}
	var was record
	if err := decode(items[0].Doc, &was); err != nil {
		return r, false, err
	}
	k, err := s.vault(ctx)
	if err != nil {
		return r, false, err
	}
	if subtle.ConstantTimeCompare(k.Digest(d.Body), was.Digest) != 1 {
		return r, false, fault.New(fault.Conflict, "webhook_id_reused")
	}
	return was.Reply, true, nil
}

// Receive stages what a new event comes to, with the record that makes a second delivery harmless. repeated reports that another webhook
// has said the very same before: then nothing else is staged, and the reply is the one of that time. Faults: Invalid for what Check finds;
// Conflict slug_taken, external_id_taken (the id names a tenant that was created otherwise), tenant_cancelled, plan_below_users;
// Exhausted too_many_held.
func (s *Store) Receive(ctx context.Context, c *change.Set, d Delivery, e Event) (r Receipt, repeated bool, err error) {
	if err := e.Check(c.Now); err != nil {
		return r, false, err
	}
	k, err := s.vault(ctx)
	if err != nil {
		return r, false, err
	}
	l, err := s.follow(ctx, e.External())
	if err != nil {
		return r, false, err
	}
	switch {
	case e.Type == TypeCreated && l != nil:
		r, err = s.again(c, k, l, &e)
		repeated = true
	case e.Type == TypeCreated:
		r, err = s.begin(ctx, c, k, e.Created)
	default:
		r, err = s.changeOrHold(ctx, c, k, d, l, e)
	}
	if err != nil {
		return Receipt{}, false, err
	}
	return r, repeated, s.remember(c, k, d, r)
}

// Ignore stages the record of an event whose type Steward does not act on.
func (s *Store) Ignore(ctx context.Context, c *change.Set, d Delivery) (Receipt, error) {
	k, err := s.vault(ctx)
	if err != nil {
		return Receipt{}, err
	}
	as(c, System)
	c.Record(audit.Event{Action: "webhooks.ignore", Target: d.ID})
	r := Receipt{Status: Ignored}
	return r, s.remember(c, k, d, r)
}

func (s *Store) remember(c *change.Set, k *crypt.TenantKey, d Delivery, r Receipt) error {
	it := table.Item{Key: key.Webhook(source, d.ID), Expires: c.Now.Add(Kept)}
	return put(c, it, record{Digest: k.Digest(d.Body), Reply: r}, table.Absent)
}

// as makes the system of the tenant the actor of the change, keeping from where and by which request it came.
func as(c *change.Set, t id.Tenant) {
	c.Who.Tenant, c.Who.User, c.Who.Session = t, "", ""
}

// again answers a tenant.created whose external id has a tenant.
func (s *Store) again(c *change.Set, k *crypt.TenantKey, l *link, e *Event) (Receipt, error) {
	digest, err := digestOf(k, e.Created)
	if err != nil {
		return Receipt{}, err
	}
	if subtle.ConstantTimeCompare(digest, l.Digest) != 1 {
		return Receipt{}, fault.New(fault.Conflict, "external_id_taken").With(fault.At("/data/externalId", "external_id_taken"))
	}
	as(c, l.Tenant)
	c.Record(audit.Event{Action: "tenants.create", Target: string(l.Tenant), Note: "repeated"})
	return Receipt{ID: l.Onboarding, Status: Provisioning, Tenant: l.Tenant}, nil
}

// begin reserves slug and external id and stages the onboarding.
func (s *Store) begin(ctx context.Context, c *change.Set, k *crypt.TenantKey, d *Created) (Receipt, error) {
	taken, err := s.table.Get(ctx, key.Slug(d.Slug))
	if err != nil {
		return Receipt{}, err
	}
	if len(taken) > 0 {
		// Another delivery of this very event may have reserved both since the external id was looked for. Whoever sees its slug sees its
		// external id too, if asked in this order.
		ours, err := s.follow(ctx, d.ExternalID)
		if err != nil {
			return Receipt{}, err
		}
		if ours != nil {
			return Receipt{}, change.ErrMoved
		}
		return Receipt{}, fault.New(fault.Conflict, "slug_taken").With(fault.At("/data/slug", "slug_taken"))
	}
	digest, err := digestOf(k, d)
	if err != nil {
		return Receipt{}, err
	}
	t, o := id.New[id.Tenant](c.IDs()), id.New[id.Onboarding](c.IDs())
	as(c, t)
	if err := put(c, table.Item{Key: key.External(d.ExternalID)}, link{Tenant: t, Onboarding: o, Digest: digest}, table.Absent); err != nil {
		return Receipt{}, err
	}
	if err := put(c, table.Item{Key: key.Slug(d.Slug)}, place{t}, table.Absent); err != nil {
		return Receipt{}, err
	}
	b, err := json.Marshal(d, json.Deterministic(true))
	if err != nil {
		return Receipt{}, internal(err)
	}
	on := Onboarding{
		ID: o, Tenant: t, ExternalID: d.ExternalID, Slug: d.Slug, Status: principal.TenantProvisioning, Step: steps[0].name, CreatedAt: c.Now,
	}
	if on.sealed, err = k.Seal(requestPlace(o), b); err != nil {
		return Receipt{}, err
	}
	if err := on.put(c); err != nil {
		return Receipt{}, err
	}
	if _, err := s.jobs.Stage(c, "", JobOnboard, payload{o}, c.Now); err != nil {
		return Receipt{}, err
	}
	c.Record(audit.Event{Action: "tenants.create", Target: string(t), Note: string(o)})
	return Receipt{ID: o, Status: Provisioning, Tenant: t}, nil
}

func digestOf(k *crypt.TenantKey, d *Created) ([]byte, error) {
	b, err := json.Marshal(d, json.Deterministic(true))
	if err != nil {
		return nil, internal(err)
	}
	return k.Digest(b), nil
}

// requestPlace is where an onboarding's request is sealed.
func requestPlace(o id.Onboarding) crypt.Place {
	return crypt.Place{Record: string(o), Item: "ONB", Path: "request", Schema: 1}
}
