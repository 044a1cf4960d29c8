package roles

import (
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/role"
)

// body is a role on the wire.
type body struct {
	ID          id.Role          `json:"id,omitzero"` // a template has none
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Level       string           `json:"level"`
	Template    string           `json:"template,omitzero"`
	Predefined  bool             `json:"predefined"`
	Grants      []role.Grant     `json:"grants"`
	Fields      []role.FieldRule `json:"fields"`
	Version     int64            `json:"version,omitzero"`
}

func show(r policy.Role) body {
	b := body{
		ID: r.ID, Name: r.Name, Description: r.Description, Level: string(r.Level), Template: r.Template, Predefined: r.Predefined,
		Grants: make([]role.Grant, 0, len(r.Grants)), Fields: make([]role.FieldRule, 0, len(r.Fields)), Version: r.Version,
	}
	for _, g := range r.Grants {
		b.Grants = append(b.Grants, role.Grant{Module: string(g.Module), Action: string(g.Action), Scope: g.Scope.String()})
	}
	for _, f := range r.Fields {
		b.Fields = append(b.Fields, role.FieldRule{Module: string(f.Module), Field: f.Field, Access: string(f.Access)})
	}
	return b
}
