package tenant

import (
	"context"
	"strconv"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// actions are the audit's names of what events do.
var actions = map[string]string{
	TypeUpdated:   "tenants.update",
	TypeSuspended: "tenants.suspend",
	TypeResumed:   "tenants.resume",
	TypeCancelled: "tenants.cancel",
}

// apply stages what an event does to a tenant that has been active. It stages nothing when it answers an error.
func (s *Store) apply(ctx context.Context, c *change.Set, l *link, row principal.Tenant, version int64, e *Event) (Outcome, error) {
	last := &l.StatusAt
	if e.Type == TypeUpdated {
		last = &l.UpdatedAt
	}
	note := func(o Outcome) (Outcome, error) {
		c.Record(audit.Event{Action: actions[e.Type], Target: string(row.ID), Note: string(o)})
		return o, nil
	}
	if e.Timestamp.Before(*last) { // of one moment, the last to arrive wins
		return note(Superseded)
	}
	to, err := next(row.Status, e.Type)
	if err != nil {
		return "", err
	}
	if e.Type == TypeUpdated {
		return s.update(ctx, c, l, row, version, e, note)
	}
	if err := l.moved(c, e, last); err != nil {
		return "", err
	}
	if to == row.Status {
		return note(Unchanged)
	}
	if err := access.Raise(c, row, version, func(t *principal.Tenant) { t.Status = to }); err != nil {
		return "", err
	}
	c.Record(audit.Event{Action: actions[e.Type], Target: string(row.ID), Fields: []string{"status"}})
	return Applied, nil
}

// next is the state machine of an onboarded tenant: active ⇄ suspended → cancelled, and active → cancelled. Cancelled is the end.
func next(from principal.TenantStatus, typ string) (principal.TenantStatus, error) {
	if from == principal.TenantCancelled && typ != TypeCancelled {
		return "", fault.New(fault.Conflict, "tenant_cancelled")
	}
	switch typ {
	case TypeSuspended:
		return principal.TenantSuspended, nil
	case TypeResumed:
		return principal.TenantActive, nil
	case TypeCancelled:
		return principal.TenantCancelled, nil
	}
	return from, nil
}

func (s *Store) update(
	ctx context.Context, c *change.Set, l *link, row principal.Tenant, version int64, e *Event, note func(Outcome) (Outcome, error),
) (Outcome, error) {
	d := e.Updated
	now := row
	var fields []string
	if d.Plan != nil && *d.Plan != row.Plan {
		now.Plan = *d.Plan
		now.UserLimit, _ = UserLimit(now.Plan)
		fields = append(fields, "plan")
	}
	if now.UserLimit < row.Users {
		return "", fault.New(fault.Conflict, "plan_below_users", "max", strconv.Itoa(now.UserLimit), "users", strconv.Itoa(row.Users)).
			With(fault.At("/data/plan", "plan_below_users", "max", strconv.Itoa(now.UserLimit), "users", strconv.Itoa(row.Users)))
	}
	if d.Locale != nil && *d.Locale != row.Settings.Locale {
		now.Settings.Locale = *d.Locale
		fields = append(fields, "locale")
	}
	if d.Company != nil {
		changed, err := s.company(ctx, c, row, *d.Company)
		if err != nil {
			return "", err
		}
		if changed {
			fields = append(fields, "company")
		}
	}
	if err := l.moved(c, e, &l.UpdatedAt); err != nil {
		return "", err
	}
	if now.Plan != row.Plan || now.Settings.Locale != row.Settings.Locale {
		err := access.Raise(c, row, version, func(t *principal.Tenant) {
			t.Plan, t.UserLimit, t.Settings.Locale = now.Plan, now.UserLimit, now.Settings.Locale
			t.CfgVer++
		})
		if err != nil {
			return "", err
		}
	}
	if len(fields) == 0 {
		return note(Unchanged)
	}
	c.Record(audit.Event{Action: actions[e.Type], Target: string(row.ID), Fields: fields})
	return Applied, nil
}

// company stages the company and reports whether anything of it changes.
func (s *Store) company(ctx context.Context, c *change.Set, row principal.Tenant, d Company) (bool, error) {
	before, err := c.Writes()
	if err != nil {
		return false, err
	}
	if err := s.companies.PutCompany(ctx, c, row.ID, d); err != nil {
		return false, err
	}
	after, err := c.Writes()
	return len(after) > len(before), err
}

// moved stages that the event was followed, so that an older one of the same matter is superseded.
func (l *link) moved(c *change.Set, e *Event, last *time.Time) error {
	*last = e.Timestamp
	return put(c, table.Item{Key: key.External(e.External())}, l, table.VersionIs(l.version))
}
