package account

import (
	"context"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// Deactivate puts an account away: it keeps all its data, its place in the list and its owner, and can be read but not changed. It needs
// the right to edit. An account that is inactive already is answered unchanged. version is the one that the client named, 0 for none.
func (s *Accounts) Deactivate(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, version int64) (*Account, error) {
	return s.setStatus(ctx, who, c, a, version, Inactive)
}

// Reactivate takes a deactivated account up again, with exactly the data it was put away with. Otherwise as Deactivate.
func (s *Accounts) Reactivate(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, version int64) (*Account, error) {
	return s.setStatus(ctx, who, c, a, version, Active)
}

func (s *Accounts) setStatus(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, version int64, to Status) (*Account, error) {
	h, err := s.load(ctx, who, a, policy.Update)
	if err != nil {
		return nil, err
	}
	if err := fault.Match(version, h.Version); err != nil {
		return nil, err
	}
	next := *h.Account
	if h.Status == to {
		return s.answer(ctx, who, h, &next)
	}
	next.Status = to
	if err := h.put(c, who, &next); err != nil {
		return nil, err
	}
	if err := recordChange(c, h.key, a, "", []string{"status"}, h.Account, &next); err != nil {
		return nil, err
	}
	return s.answer(ctx, who, h, &next)
}
