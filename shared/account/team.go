package account

import (
	"context"
	"slices"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
)

// TeamDraft asks for a member of the team: an active user who works on the account. Title is their role in the team, to 100 code points; with
// Superiors those above them get the same.
type TeamDraft struct {
	User      string `json:"userId"`
	Level     string `json:"level"`
	Title     string `json:"role,omitzero"`
	Superiors bool   `json:"superiors,omitzero"`
	Expires   string `json:"expiresAt,omitzero"`
}

func (m TeamDraft) read(d *grantDoc, now time.Time, r *rules) {
	title, bad := plain.Check("/role", m.Title, titleRule)
	if bad != nil {
		r.add(*bad)
	}
	d.Title = title
	d.RecordGrant = policy.RecordGrant{Kind: policy.KindTeam, To: r.user(m.User), On: r.level(m.Level), Superiors: m.Superiors, Expires: r.ends(m.Expires, now)}
}

// ShareDraft asks for a share: to an active user, to the holders of a role or to a department.
type ShareDraft struct {
	Target
	Level     string `json:"level"`
	Superiors bool   `json:"superiors,omitzero"`
	Expires   string `json:"expiresAt,omitzero"`
}

func (m ShareDraft) read(d *grantDoc, now time.Time, r *rules) {
	d.RecordGrant = policy.RecordGrant{Kind: policy.KindShare, To: r.target(m.Target), On: r.level(m.Level), Superiors: m.Superiors, Expires: r.ends(m.Expires, now)}
}

// MaxTemporary is how far ahead a temporary permission may end.
const MaxTemporary = 90 * 24 * time.Hour

// TemporaryDraft asks for a permission that ends: within MaxTemporary, for a reason, 1 to 500 code points, that is kept sealed in the audit
// event and nowhere else.
type TemporaryDraft struct {
	User    string `json:"userId"`
	Level   string `json:"level"`
	Expires string `json:"expiresAt"`
	Reason  string `json:"reason"`
}

func (m TemporaryDraft) read(d *grantDoc, now time.Time, r *rules) {
	d.RecordGrant = policy.RecordGrant{Kind: policy.KindTemporary, To: r.user(m.User), On: r.level(m.Level), Expires: r.ends(m.Expires, now)}
	switch {
	case d.Expires > now.Add(MaxTemporary).Unix():
		r.add(fault.At("/expiresAt", "expiry_too_far", "days", "90"))
	case d.Expires == 0 && !r.faulty("/expiresAt"):
		r.add(fault.At("/expiresAt", "required"))
	}
	var bad *fault.Field
	if d.reason, bad = plain.Check("/reason", m.Reason, reasonRule); bad != nil {
		r.add(*bad)
	}
}

// showTeam gives the account the first members of its team.
func (s *Accounts) showTeam(ctx context.Context, who *policy.Subject, a *Account) error {
	a.Team = []Grant{}
	member := func(g policy.RecordGrant) bool { return g.Kind == policy.KindTeam }
	if a.more == 0 && !slices.ContainsFunc(a.grants, member) {
		return nil
	}
	docs, err := s.grantDocs(ctx, who.Tenant, a.ID, policy.KindTeam)
	for i := range docs[:min(len(docs), TeamShown)] {
		a.Team = append(a.Team, docs[i].row())
	}
	return err
}
