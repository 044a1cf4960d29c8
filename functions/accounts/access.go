package accounts

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/policy"
)

// viewer is a user who may do something with an account, and the path by which: a scope, the module's default, a category or a grant.
type viewer struct {
	User     id.User     `json:"userId"`
	Rule     int         `json:"rule"`
	Scope    string      `json:"scope,omitzero"`
	Default  bool        `json:"default,omitzero"`
	Category id.Category `json:"categoryId,omitzero"`
	Grant    *viaGrant   `json:"grant,omitzero"`
}

type viaGrant struct {
	Kind      string        `json:"kind"`
	To        account.Named `json:"to"`
	Superiors bool          `json:"superiors,omitzero"`
	ExpiresAt time.Time     `json:"expiresAt,omitzero"`
}

// accessRoute is the operation that lists who may do something with an account.
func accessRoute(p *platform.Platform, a *account.Accounts) edge.Route {
	var acts []string
	for _, x := range []policy.Action{policy.View, policy.Update, policy.Delete, policy.Transfer, policy.Share, policy.Export, policy.Reveal} {
		acts = append(acts, string(x))
	}
	return edge.Handle(edge.Route{
		Operation: "accounts.access", Method: http.MethodGet, Path: "/v1/accounts/{id}/access", Access: edge.Self(), List: true,
		Summary: "Lists the active users who may do the action (view by default) with the account, each with the path by which. Needs account.share on it or role.view.",
		Query:   []edge.Param{{Name: "action", Description: "what they may do", Enum: acts}},
	}, viewers(access.New(p.Table, p.Now), a))
}

func viewers(rights *access.Access, a *account.Accounts) func(context.Context, *edge.Request[edge.None]) (*edge.Reply[edge.List[viewer]], error) {
	return func(ctx context.Context, r *edge.Request[edge.None]) (*edge.Reply[edge.List[viewer]], error) {
		which, err := edge.PathID[id.Account](r, "id")
		if err != nil {
			return nil, err
		}
		c, err := rights.Compiled(ctx, r.Who.Org)
		if err != nil {
			return nil, err
		}
		act := policy.Action(cmp.Or(r.Query.Get("action"), string(policy.View)))
		page, err := a.Viewers(ctx, r.Who, c, which, act, id.User(r.Page.After), r.Page.Limit)
		if err != nil {
			return nil, err
		}
		out := edge.List[viewer]{Items: make([]viewer, 0, len(page.Items))}
		for _, v := range page.Items {
			out.Items = append(out.Items, via(r.Who, v))
		}
		if r.Page.Count {
			out.Count = &edge.Count{Value: page.Total, Exact: true}
		}
		return &edge.Reply[edge.List[viewer]]{Body: out, Next: string(page.Next)}, nil
	}
}

// via says by what the viewer may, as far as who asks may know: a scope tells of the owner or the department, a category of the categories.
func via(who *policy.Subject, v account.Viewer) viewer {
	d := v.Decision
	out := viewer{User: v.User, Rule: d.Rule, Default: d.Floor}
	reads := func(field string) bool {
		return who.Field(policy.ModAccount, policy.View, field).AtLeast(policy.Read)
	}
	if d.Scope == policy.All || d.Scope != policy.None && reads("ownerId") && reads("departmentId") {
		out.Scope = d.Scope.String()
	}
	if reads("categoryIds") {
		out.Category = d.Category
	}
	if d.Grant > 0 {
		out.Grant = &viaGrant{Kind: string(v.Grant.Kind), To: account.NamedBy(v.Grant.To), Superiors: v.Grant.Superiors}
		if v.Grant.Expires != 0 {
			out.Grant.ExpiresAt = time.Unix(v.Grant.Expires, 0).UTC()
		}
	}
	return out
}
