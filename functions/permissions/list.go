package permissions

import (
	"context"
	"slices"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/policy"
)

type module struct {
	Module    policy.Module   `json:"module"`
	Actions   []policy.Action `json:"actions"`
	Scopes    []string        `json:"scopes"`
	Fields    []string        `json:"fields"`
	Sensitive []string        `json:"sensitive"` // of fields: hidden unless a rule shows them
	Core      bool            `json:"core"`      // cannot be switched off
	Off       bool            `json:"off"`       // switched off by the tenant
}

type listBody struct {
	Modules  []module        `json:"modules"`
	Levels   []policy.Level  `json:"levels"`   // lowest first
	Scopes   []string        `json:"scopes"`   // narrowest first
	Accesses []policy.Access `json:"accesses"` // narrowest first
}

func list(_ context.Context, r *edge.Request[edge.None]) (*edge.Reply[listBody], error) {
	out := listBody{Levels: policy.Levels, Scopes: words(policy.Scopes), Accesses: policy.Accesses}
	for _, e := range policy.Catalogue() {
		out.Modules = append(out.Modules, module{
			Module: e.Module, Actions: e.Actions, Scopes: words(e.Scopes), Fields: e.Fields, Sensitive: e.Sensitive, Core: e.Core,
			Off: !e.Core && slices.Contains(r.Who.Org.Settings.ModulesOff, string(e.Module)),
		})
	}
	return &edge.Reply[listBody]{Body: out}, nil
}

func words(scopes []policy.Scope) []string {
	out := make([]string, len(scopes))
	for i, s := range scopes {
		out[i] = s.String()
	}
	return out
}
