package permissions

import (
	"context"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

type explainBody struct {
	User     string `json:"userId,omitzero"` // the user who asks by default
	Module   string `json:"module"`
	Action   string `json:"action"`
	Resource string `json:"resourceId,omitzero"` // of an account, for what lies in it too; of a user in the module user
	Field    string `json:"field,omitzero"`
}

// asker answers questions about decisions.
type asker struct {
	rights   *access.Access
	accounts *account.Accounts
}

// subject is the user whom is asked about: who asks, or another, which needs role.view. An unknown user is NotFound not_found.
func (a *asker) subject(ctx context.Context, who *policy.Subject, user string) (*policy.Subject, error) {
	if user == "" || user == string(who.User) {
		return who, nil
	}
	if err := policy.RequireAny(who, policy.ModRole, policy.View); err != nil {
		return nil, err
	}
	u, err := id.Parse[id.User](user)
	if err != nil {
		return nil, notFound()
	}
	return a.rights.Of(ctx, who, u)
}

// questions are those that must be answered with yes for the act, the one that was asked last. A record that who asks may neither view nor,
// themself, do the act on is NotFound not_found, as an unknown one is.
func (a *asker) questions(ctx context.Context, who, s *policy.Subject, q policy.Question, resource string) ([]policy.Question, error) {
	if resource == "" {
		return []policy.Question{q}, nil
	}
	on, ok, err := a.resource(ctx, who, q.Module, resource)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, notFound()
	}
	bare := q
	bare.Field = ""
	if !sees(who, q.Module, on) && (s.User != who.User || !all(asked(bare, &on), who)) {
		return nil, notFound()
	}
	return asked(q, &on), nil
}

// resource reads what the id names in the module; false when it is nothing that a decision could be about.
func (a *asker) resource(ctx context.Context, who *policy.Subject, m policy.Module, resource string) (policy.Resource, bool, error) {
	switch partOf(m) {
	case policy.ModAccount:
		x, err := id.Parse[id.Account](resource)
		if err != nil {
			return policy.Resource{}, false, nil
		}
		found, err := a.accounts.Resources(ctx, who.Tenant, x)
		on, ok := found[x]
		return on, ok, err
	case policy.ModUser:
		u, err := id.Parse[id.User](resource)
		if err != nil {
			return policy.Resource{}, false, nil
		}
		s, err := a.rights.Of(ctx, who, u)
		if fault.IsKind(err, fault.NotFound) {
			return policy.Resource{}, false, nil
		}
		if err != nil {
			return policy.Resource{}, false, err
		}
		return policy.Resource{Tenant: who.Tenant, Owner: u, Department: s.Self.Department}, true, nil
	}
	return policy.Resource{}, false, nil
}

// sees reports whether who asks may view the record: of what lies in an account the account.
func sees(who *policy.Subject, m policy.Module, on policy.Resource) bool {
	return policy.Decide(who, partOf(m), policy.View, on).Allowed
}

func all(asked []policy.Question, s *policy.Subject) bool {
	for _, q := range asked {
		if !q.Holds(s) {
			return false
		}
	}
	return true
}

func (a *asker) explain(ctx context.Context, r *edge.Request[explainBody]) (*edge.Reply[explanation], error) {
	q := policy.Question{Module: policy.Module(r.In.Module), Action: policy.Action(r.In.Action), Field: r.In.Field}
	if q.Field != "" && !policy.DeclaredField(q.Module, q.Field) {
		return nil, fault.Fields(fault.At("/field", "unknown_permission"))
	}
	s, err := a.subject(ctx, r.Who, r.In.User)
	if err != nil {
		return nil, err
	}
	qs, err := a.questions(ctx, r.Who, s, q, r.In.Resource)
	if err != nil {
		return nil, err
	}
	c, err := a.rights.Compiled(ctx, r.Who.Org)
	if err != nil {
		return nil, err
	}
	facts := c.Facts(s.Self.Place, policy.May(r.Who, policy.ModRole, policy.View) != policy.None)
	w := wording{locale: r.Locale, who: r.Who, roles: map[id.Role]string{}}
	for _, x := range facts.Roles {
		w.roles[x.ID] = x.Name
	}
	for _, x := range facts.Held {
		w.roles[x.ID] = x.Name
	}
	return &edge.Reply[explanation]{Body: w.explanation(s, qs, facts)}, nil
}

func notFound() error { return fault.New(fault.NotFound, "not_found") }
