package account

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/table"
)

// Levels are those of a share, a team member and a temporary permission, lowest first.
var Levels = []string{"read", "edit"}

// Switches are the words of an override.
var Switches = []string{"on", "off"}

// Grant is a grant on one account as it is answered. Of user, role and department one is there; of an override the switches that it sets,
// of all others the level.
type Grant struct {
	ID string `json:"id"` // the grantee, as paths name it: a user's, role's or department's id, or dept_….below
	Named
	Level     string    `json:"level,omitzero"` // read, edit
	View      string    `json:"view,omitzero"`  // on, off
	Edit      string    `json:"edit,omitzero"`
	Delete    string    `json:"delete,omitzero"`
	Title     string    `json:"role,omitzero"` // in the team
	Superiors bool      `json:"superiors,omitzero"`
	Expires   time.Time `json:"expiresAt,omitzero"` // from then on it counts no more
	By        id.User   `json:"by"`
	At        time.Time `json:"at"`
}

// row gives the grant as it is answered.
func (d *grantDoc) row() Grant {
	g := Grant{ID: GranteeID(d.To), Named: NamedBy(d.To), Title: d.Title, Superiors: d.Superiors, By: d.By, At: d.At}
	if d.Expires != 0 {
		g.Expires = time.Unix(d.Expires, 0).UTC()
	}
	if d.Kind != policy.KindOverride {
		g.Level = Levels[0]
		if d.On&policy.ActEdit != 0 {
			g.Level = Levels[1]
		}
		return g
	}
	for act, to := range map[policy.Acts]*string{policy.ActView: &g.View, policy.ActEdit: &g.Edit, policy.ActDelete: &g.Delete} {
		switch {
		case d.Off&act != 0:
			*to = Switches[1]
		case d.On&act != 0:
			*to = Switches[0]
		}
	}
	return g
}

// fieldOfGrant are the names under which changes of grants are recorded, as the API's paths have them.
var fieldOfGrant = map[policy.GrantKind]string{
	policy.KindTeam: "team", policy.KindShare: "shares", policy.KindOverride: "overrides", policy.KindTemporary: "temporary",
}

// Asked is a grant that somebody asks for: TeamDraft, ShareDraft, OverrideDraft or TemporaryDraft.
type Asked interface {
	// read fills in the grant by the rules; the day is that of the change.
	read(d *grantDoc, now time.Time, r *rules)
}

// level takes the word of a level.
func (r *rules) level(word string) policy.Acts {
	if word = strings.TrimSpace(word); word == "" {
		r.add(fault.At("/level", "required"))
	}
	r.oneOf(&word, patch.Of(word), "/level", Levels)
	return policy.ActsOf(word)
}

// ends takes the time from which a grant counts no more, in whole seconds; "" is never, 0.
func (r *rules) ends(text string, now time.Time) int64 {
	if text = strings.TrimSpace(text); text == "" {
		return 0
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.add(fault.At("/expiresAt", "invalid_date"))
		return 0
	}
	if at.Unix() <= now.Unix() {
		r.add(fault.At("/expiresAt", "expiry_in_past"))
	}
	return at.Unix()
}

// Given is what Give answers.
type Given struct {
	Grant
	New     bool  // it took the place of none
	Version int64 // of the account
}

// Give stages a grant on the account, in the place of the one of its kind to the same grantee. It needs account.share on the account, and
// every act that is given or taken, switched off included. version is that of the account, 0 for none; UpdatedAt does not move. A grant that
// is there already stages nothing.
//
// Faults: NotFound not_found; Locked key_unavailable; Denied permission_denied, grant_exceeds_own, self_change_forbidden, superior_override;
// Stale version_conflict; Conflict account_deactivated, user_not_active, override_locks_out; Invalid for the draft's fields, and unknown_user,
// unknown_department, unknown_role, share_with_self, too_many_grants.
func (s *Accounts) Give(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, version int64, asked Asked) (*Given, error) {
	h, err := s.loadTo(ctx, who, a, policy.Share)
	if err != nil {
		return nil, err
	}
	if err := fault.Match(version, h.Version); err != nil {
		return nil, err
	}
	if err := h.unchangeable(); err != nil {
		return nil, err
	}
	r := &rules{}
	d := grantDoc{Account: a, Tenant: who.Tenant, By: who.User, At: c.Now}
	asked.read(&d, c.Now, r)
	if err := r.err(); err != nil {
		return nil, err
	}
	was := h.granted(d.Kind, d.To)
	if err := policy.CanShare(who, h.resource(who.Tenant), d.acts(was)); err != nil {
		return nil, err
	}
	if err := s.mayReceive(ctx, who, &d); err != nil {
		return nil, err
	}
	if was != nil && was.RecordGrant == d.RecordGrant && was.Title == d.Title {
		return &Given{Grant: was.row(), Version: h.Version}, nil
	}
	if was == nil && len(h.docs) >= MaxGrants {
		return nil, fault.New(fault.Invalid, "too_many_grants", "max", strconv.Itoa(MaxGrants))
	}
	what := beforeAfter{After: d.recorded()}
	if was != nil {
		what.Before = was.recorded()
	}
	given := &Given{Grant: d.row(), New: was == nil, Version: h.Version + 1}
	next := *h.Account
	raised, err := s.mark(ctx, who, c, h.grant(d))
	if err != nil {
		return nil, err
	}
	mustReceive(c, d.To)
	if err := h.put(c, who, &next); err != nil {
		return nil, err
	}
	if d.Off != 0 {
		if err := s.mayClose(ctx, who, &d, next.resource(who.Tenant)); err != nil {
			return nil, err
		}
		if !raised { // what was judged is the organisation: it stands still until the commit
			c.Check(key.Tenant(who.Tenant), table.VersionIs(who.OrgVersion), nil)
		}
	}
	return given, record(c, h.key, a, given.ID, []string{fieldOfGrant[d.Kind]}, what)
}

// acts are all that the grant gives or takes, and what the one gave or took whose place it takes.
func (d *grantDoc) acts(was *grantDoc) policy.Acts {
	acts := d.On | d.Off
	if was != nil {
		acts |= was.On | was.Off
	}
	return acts
}

// recorded is the grant as an audit event has it, with the reason that was given for it.
func (d *grantDoc) recorded() map[string]any {
	m := map[string]any{fieldOfGrant[d.Kind]: d.row()}
	if d.reason != "" {
		m["reason"] = d.reason
	}
	return m
}

// Revoke stages the end of the grant of the kind to the grantee, whom GranteeID names. It needs what Give needs, and goes for a deactivated
// account as well. NotFound not_found when there is none.
func (s *Accounts) Revoke(ctx context.Context, who *policy.Subject, c *change.Set, a id.Account, version int64, kind policy.GrantKind, grantee string) error {
	h, err := s.loadTo(ctx, who, a, policy.Share)
	if err != nil {
		return err
	}
	to, ok := granteeOf(grantee)
	d := h.granted(kind, to)
	if !ok || d == nil {
		return notFound()
	}
	if err := fault.Match(version, h.Version); err != nil {
		return err
	}
	if err := policy.CanShare(who, h.resource(who.Tenant), d.acts(nil)); err != nil {
		return err
	}
	what := beforeAfter{Before: d.recorded(), After: map[string]any{}} // the account stays
	next := *h.Account
	h.ungrant(c, kind, to)
	if err := h.put(c, who, &next); err != nil {
		return err
	}
	return record(c, h.key, a, grantee, []string{fieldOfGrant[kind]}, what)
}

// loadTo is load for an action that who may see the account may be refused.
func (s *Accounts) loadTo(ctx context.Context, who *policy.Subject, a id.Account, act policy.Action) (*held, error) {
	h, err := s.lookTo(ctx, who, a, act)
	if err != nil {
		return nil, err
	}
	return h, s.prepare(ctx, who.Tenant, h)
}

// lookTo demands the sight of the account besides the action: what cannot be seen is not found.
func (s *Accounts) lookTo(ctx context.Context, who *policy.Subject, a id.Account, act policy.Action) (*held, error) {
	h, err := s.look(ctx, who, a, policy.View)
	if err != nil {
		return nil, err
	}
	return h, policy.Require(who, policy.ModAccount, act, h.resource(who.Tenant))
}

// GrantPage is a part of the list of an account's grants of one kind.
type GrantPage struct {
	Items []Grant
	Next  string // "" at the end
	Total int    // of the account's grants of the kind
}

// Grants lists the grants of the kind that count now, by grantee, from the position after, which an earlier page's Next named; "" is the
// start. The team is for who may see the account, the others for who may share it.
func (s *Accounts) Grants(ctx context.Context, who *policy.Subject, a id.Account, kind policy.GrantKind, after string, limit int) (*GrantPage, error) {
	act := policy.Share
	if kind == policy.KindTeam {
		act = policy.View
	}
	if _, err := s.lookTo(ctx, who, a, act); err != nil {
		return nil, err
	}
	docs, err := s.grantDocs(ctx, who.Tenant, a, kind)
	if err != nil {
		return nil, err
	}
	page := &GrantPage{Items: []Grant{}, Total: len(docs)}
	for i := range docs {
		switch {
		case string(docs[i].To) <= after:
		case len(page.Items) == limit:
			page.Next = string(docs[i-1].To)
			return page, nil
		default:
			page.Items = append(page.Items, docs[i].row())
		}
	}
	return page, nil
}
