package permissions

import (
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// explained is the answer to one question. Rule is that of the decision order: 1 hard denials, 2 roles, 3 scope, 4 defaults, categories and
// grants, 5 denials on the record, 6 fields.
type explained struct {
	Module  string  `json:"module"`
	Action  string  `json:"action"`
	Allowed bool    `json:"allowed"`
	Rule    int     `json:"rule"`
	Decided string  `json:"decided"` // the layer that spoke
	Layers  []layer `json:"layers"`
	Text    string  `json:"text"`
}

// explanation adds what it takes besides, and what would turn a denial. Decided is account when all is as it should be but the account's sight.
type explanation struct {
	explained `json:",embed"`
	Account   *explained `json:"account,omitzero"` // of what lies in an account: whether that may be seen
	Fix       []fix      `json:"fix"`              // alternatives, the smallest and narrowest first
	Final     bool       `json:"final,omitzero"`   // no change of rights would help
}

type layer struct {
	Layer      string          `json:"layer"`
	Rule       int             `json:"rule"`
	Verdict    string          `json:"verdict"` // passed or denied; opened or silent
	Text       string          `json:"text"`
	Reasons    []policy.Reason `json:"reasons,omitzero"`
	Roles      []roleFact      `json:"roles,omitzero"`
	Held       string          `json:"held,omitzero"`  // the widest scope of the action
	Needs      string          `json:"needs,omitzero"` // the narrowest that reaches the record
	Line       []id.User       `json:"line,omitzero"`  // from the owner up to the user
	Path       []id.Department `json:"path,omitzero"`  // from the record's department up to one of the user's
	Default    string          `json:"default,omitzero"`
	Categories []categoryFact  `json:"categories,omitzero"`
	Grants     []grantFact     `json:"grants,omitzero"`
	Others     int             `json:"others,omitzero"` // that are not for the user
	Field      string          `json:"field,omitzero"`
	Access     string          `json:"access,omitzero"`
	Sensitive  bool            `json:"sensitive,omitzero"`
}

type roleFact struct {
	ID      id.Role   `json:"id"`
	Name    string    `json:"name"`
	Version int64     `json:"version"`
	Direct  bool      `json:"direct"`
	Posts   []id.Post `json:"postIds,omitzero"`
	Scope   string    `json:"scope,omitzero"`
	Access  string    `json:"access,omitzero"`
	Rule    string    `json:"fieldRule,omitzero"` // the field whose rule gives the access; absent when the catalogue does
}

type categoryFact struct {
	ID     id.Category `json:"categoryId"`
	Grants []grantFact `json:"grants"`
}

type grantFact struct {
	Kind      string        `json:"kind"` // team, share, temporary, override; category
	To        account.Named `json:"to"`
	On        []string      `json:"on,omitzero"`
	Off       []string      `json:"off,omitzero"`
	Superiors bool          `json:"superiors,omitzero"`
	ExpiresAt time.Time     `json:"expiresAt,omitzero"`
	As        string        `json:"as"` // self, department, below, role, report
	Through   id.User       `json:"throughUserId,omitzero"`
	State     string        `json:"state"` // live, expired, asleep
	Speaks    bool          `json:"speaks"`
}

type fix struct {
	Changes []step `json:"changes"`
}

type step struct {
	Kind    string         `json:"kind"`
	Text    string         `json:"text"`
	Role    id.Role        `json:"roleId,omitzero"`
	Name    string         `json:"roleName,omitzero"`
	Module  string         `json:"module,omitzero"`
	Action  string         `json:"action,omitzero"`
	Scope   string         `json:"scope,omitzero"`
	Field   string         `json:"field,omitzero"`
	Access  string         `json:"access,omitzero"`
	Level   string         `json:"level,omitzero"` // of a share: read or edit
	Acts    []string       `json:"acts,omitzero"`
	To      *account.Named `json:"to,omitzero"`
	Default string         `json:"default,omitzero"`
}

func actsOf(acts policy.Acts) (out []string) {
	acts.Each(func(_ policy.Acts, a policy.Action) bool { out = append(out, string(a)); return true })
	return out
}

// wordOf is the scope's word; "" for none.
func wordOf(s policy.Scope) string {
	if s == policy.None {
		return ""
	}
	return s.String()
}
