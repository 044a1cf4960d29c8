package tenant

import (
	"context"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// chunk is how many items one commit of the undoing removes: it leaves room for the events, the job and the record.
const chunk = 80

// undo takes the steps back, the last first, each in commits that the job's state is part of. It leaves the onboarding's record with the
// code of the fault, and the audit, which is only ever added to: it holds ids, and what it has sealed cannot be opened any more, because
// the tenant's key is gone. Slug and external id are free again.
func (s *Store) undo(ctx context.Context, r Run, w *work) error {
	if err := s.withdraw(ctx, r, w); err != nil {
		return err
	}
	for w.state.Done > 0 {
		if err := s.takeBack(ctx, r, w); err != nil {
			return err
		}
	}
	if w.state.Ended {
		return nil
	}
	s.crypt.Forget(w.onboarding.Tenant)
	next := w.state
	next.Ended = true
	err := r.Step(ctx, &next, 0, len(steps), "failed", func(c *change.Set) error {
		as(c, w.onboarding.Tenant)
		on, err := s.Onboarding(ctx, w.onboarding.ID)
		if err != nil {
			return err
		}
		on.Status, on.Step, on.Error, on.EndedAt, on.sealed = OnboardingFailed, w.state.Step, w.state.Failed, c.Now, nil
		if err := on.put(c); err != nil {
			return err
		}
		mine := table.Equals("tenantId", string(on.Tenant))
		c.Delete(key.External(on.ExternalID), mine, nil)
		c.Delete(key.Slug(on.Slug), mine, nil)
		c.Record(audit.Event{Action: JobOnboard, Target: string(on.Tenant), Outcome: audit.Denied, Code: on.Error, Note: "undone"})
		return nil
	})
	if err == nil {
		w.state = next
	}
	return err
}

// withdraw ends what works for the tenant on its own. Once the jobs are gone, none of their runs can take effect in the table, and the
// identity that one may have made last is removed after them.
func (s *Store) withdraw(ctx context.Context, r Run, w *work) error {
	if len(w.state.Jobs) == 0 {
		return nil
	}
	next := w.state
	next.Jobs = nil
	err := r.Step(ctx, &next, w.state.Done, len(steps), "undo", func(c *change.Set) error {
		as(c, w.onboarding.Tenant)
		for _, j := range w.state.Jobs {
			if err := s.jobs.Withdraw(ctx, c, w.onboarding.Tenant, j); err != nil {
				return err
			}
		}
		if !c.Empty() {
			c.Record(audit.Event{Action: JobOnboard, Target: string(w.onboarding.Tenant), Note: "undo invitation"})
		}
		return nil
	})
	if err == nil {
		w.state = next
	}
	return err
}

// takeBack removes what the last step made.
func (s *Store) takeBack(ctx context.Context, r Run, w *work) error {
	last := w.state.Done - 1
	if steps[last].name == "administrator" && w.state.Admin != "" {
		if err := s.removeAdmin(ctx, r, w); err != nil {
			return err
		}
	}
	keys := w.state.Made[last]
	part := keys[:min(len(keys), chunk)]
	next := w.state
	next.Made = append([][]table.Key(nil), w.state.Made...)
	next.Made[last] = keys[len(part):]
	if len(next.Made[last]) == 0 {
		next.Made, next.Done = next.Made[:last], last
	}
	err := r.Step(ctx, &next, next.Done, len(steps), "undo", func(c *change.Set) error {
		as(c, w.onboarding.Tenant)
		for _, k := range part {
			c.Delete(k, table.Always, nil)
		}
		if !c.Empty() {
			c.Record(audit.Event{Action: JobOnboard, Target: string(w.onboarding.Tenant), Note: "undo " + steps[last].name})
		}
		return nil
	})
	if err == nil {
		w.state = next
	}
	return err
}

// removeAdmin removes the identity and whatever else lies in the user's partition, while the user's id is still known.
func (s *Store) removeAdmin(ctx context.Context, r Run, w *work) error {
	if err := s.identity.Delete(ctx, identity.NameOf(w.onboarding.Tenant, w.state.Admin)); err != nil {
		return err
	}
	for {
		page, err := s.table.Query(ctx, table.Query{PK: key.User(w.onboarding.Tenant, w.state.Admin).PK, Limit: chunk})
		if err != nil {
			return err
		}
		if len(page.Items) == 0 {
			return nil
		}
		err = r.Step(ctx, &w.state, w.state.Done, len(steps), "undo", func(c *change.Set) error {
			as(c, w.onboarding.Tenant)
			for _, it := range page.Items {
				c.Delete(it.Key, table.Always, nil)
			}
			c.Record(audit.Event{Action: JobOnboard, Target: string(w.onboarding.Tenant), Note: "undo administrator"})
			return nil
		})
		if err != nil {
			return err
		}
	}
}
