package account

import (
	"context"
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
)

// OverrideDraft asks for the switches of one account for somebody: each on, off, or left out. To switch edit or delete on is to switch view on.
type OverrideDraft struct {
	Target
	View    string `json:"view,omitzero"`
	Edit    string `json:"edit,omitzero"`
	Delete  string `json:"delete,omitzero"`
	Expires string `json:"expiresAt,omitzero"`
}

func (m OverrideDraft) read(d *grantDoc, now time.Time, r *rules) {
	g := policy.RecordGrant{Kind: policy.KindOverride, To: r.target(m.Target), Expires: r.ends(m.Expires, now)}
	for _, s := range []struct {
		act           policy.Acts
		word, pointer string
	}{{policy.ActView, m.View, "/view"}, {policy.ActEdit, m.Edit, "/edit"}, {policy.ActDelete, m.Delete, "/delete"}} {
		word := ""
		r.oneOf(&word, patch.Of(s.word), s.pointer, Switches)
		switch word {
		case Switches[0]:
			g.On |= s.act
		case Switches[1]:
			g.Off |= s.act
		}
	}
	switch {
	case g.On|g.Off == 0 && r.faults == nil:
		r.add(fault.At("", "override_empty"))
	case g.On != 0 && g.Off&policy.ActView != 0:
		r.add(fault.At("/view", "override_contradicts"))
	case g.On != 0:
		g.On |= policy.ActView
	}
	d.RecordGrant = g
}

// mayClose answers nil when the switch off, set by who asks on the account as it will be, meets nobody whom they report to (Denied
// superior_override) and leaves an active user who could undo it (Conflict override_locks_out).
func (s *Accounts) mayClose(ctx context.Context, who *policy.Subject, d *grantDoc, next policy.Resource) error {
	org, err := s.access.Compiled(ctx, who.Org)
	if err != nil {
		return err
	}
	for _, boss := range superiors(org, who.User) {
		if slices.Contains(org.Grantees(boss), d.To) {
			return fault.New(fault.Denied, "superior_override")
		}
	}
	undoes := func(u *policy.Subject) bool {
		return policy.Decide(u, policy.ModAccount, policy.View, next).Allowed && policy.CanShare(u, next, d.acts(nil)) == nil
	}
	if undoes(who) || slices.ContainsFunc(org.Users(), func(u id.User) bool { return undoes(org.Subject(who.Org, u, who.At)) }) {
		return nil
	}
	return fault.New(fault.Conflict, "override_locks_out")
}

// superiors are all whom the user reports to, nearest first.
func superiors(org *access.Compiled, u id.User) []id.User {
	var out []id.User
	for u = org.Places[u].Manager; u != "" && !slices.Contains(out, u); u = org.Places[u].Manager {
		out = append(out, u)
	}
	return out
}
