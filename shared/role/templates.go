package role

import (
	"strings"

	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/text"
)

// Template is a predefined role before a tenant has it. Its name and description are texts, role.<name>.name and .description.
type Template struct {
	Name   string             `json:"template"`
	Level  policy.Level       `json:"level"`
	Grants []policy.Grant     `json:"grants"`
	Fields []policy.FieldRule `json:"fields"`
}

// Title and Description are the template's texts in the locale.
func (t Template) Title(locale string) string { return text.Say(locale, "role."+t.Name+".name", nil) }

func (t Template) Description(locale string) string {
	return text.Say(locale, "role."+t.Name+".description", nil)
}

// Templates are the predefined roles that every tenant gets: the four levels of R07, each of which holds all that the one below it
// does, and the four posts of the founding document's table.
func Templates() []Template {
	return []Template{
		{Name: "administrator", Level: policy.Admin, Grants: everything(), Fields: sensitive(policy.Edit)},
		{Name: "power_user", Level: policy.Power, Grants: grants(
			"all account view create edit delete transfer share export import",
			"all contact view create edit delete export import",
			"all note view create edit delete comment",
			"all reminder view create edit delete",
			"all category view",
			"all opportunity view create edit delete transfer share export import approve comment",
			"all order view create edit delete transfer share export import approve comment",
			"all lead view create edit delete transfer share export import comment",
			"all service view comment",
			"all campaign view comment",
			"all report view create edit share export",
			"all owner view",
			"all user view",
			"all org view",
		)},
		{Name: "standard_user", Level: policy.Standard, Grants: grants(
			"own account view create edit",
			"own contact view create edit delete",
			"own note view create edit delete",
			"own reminder view create edit delete",
			"all category view",
			"own opportunity view create edit comment",
			"own order view create edit comment",
			"own lead view create edit comment",
			"own report view",
			"own owner view",
			"department user view",
			"all org view",
		)},
		{Name: "restricted_user", Level: policy.Restricted, Grants: grants(
			"own account view",
			"own contact view",
		), Fields: onlyRead(map[policy.Module]string{
			policy.ModAccount: "name email phone contacts",
			policy.ModContact: "name title email phone primary",
		})},
		{Name: "sales_manager", Level: policy.Power, Grants: grants(
			"subtree account view create edit delete",
			"subtree contact view create edit delete",
			"subtree opportunity view create edit delete approve",
			"subtree order view create edit delete",
		)},
		{Name: "marketing_specialist", Level: policy.Standard, Grants: grants(
			"department campaign view create edit",
			"department lead view edit",
			"department report view",
		)},
		{Name: "service_representative", Level: policy.Standard, Grants: grants(
			"department service view edit comment",
		)},
		{Name: "data_analyst", Level: policy.Standard, Grants: grants(
			"all account view",
			"all opportunity view",
			"all order view",
			"all campaign view",
			"all report view create",
			"own report edit",
		), Fields: rules(policy.ModAccount, policy.Hidden, "email", "phone", "address", "contacts", "custom")},
	}
}

// grants reads lines of "scope module action…". It panics on a word that is none, which the tests of this package would show.
func grants(lines ...string) []policy.Grant {
	var out []policy.Grant
	for _, line := range lines {
		words := strings.Fields(line)
		scope, ok := policy.ParseScope(words[0])
		for _, a := range words[2:] {
			g := policy.Grant{Module: policy.Module(words[1]), Action: policy.Action(a), Scope: scope}
			if !ok || !policy.Declared(g.Module, g.Action) || !policy.DeclaredScope(g.Module, g.Scope) {
				panic("role: not in the catalogue: " + line)
			}
			out = append(out, g)
		}
	}
	return out
}

// everything is each right of the catalogue, on all resources.
func everything() []policy.Grant {
	var out []policy.Grant
	for _, e := range policy.Catalogue() {
		for _, a := range e.Actions {
			out = append(out, policy.Grant{Module: e.Module, Action: a, Scope: policy.All})
		}
	}
	return out
}

// sensitive shows every sensitive field.
func sensitive(access policy.Access) []policy.FieldRule {
	var out []policy.FieldRule
	for _, e := range policy.Catalogue() {
		out = append(out, rules(e.Module, access, e.Sensitive...)...)
	}
	return out
}

// onlyRead shows the named fields of each module for reading and hides its other fields.
func onlyRead(shown map[policy.Module]string) []policy.FieldRule {
	var out []policy.FieldRule
	for _, e := range policy.Catalogue() {
		names, ok := shown[e.Module]
		if !ok {
			continue
		}
		for _, f := range e.Fields {
			access := policy.Hidden
			if strings.Contains(" "+names+" ", " "+f+" ") {
				access = policy.Read
			}
			out = append(out, policy.FieldRule{Module: e.Module, Field: f, Access: access})
		}
	}
	return out
}

func rules(m policy.Module, access policy.Access, fields ...string) []policy.FieldRule {
	out := make([]policy.FieldRule, 0, len(fields))
	for _, f := range fields {
		out = append(out, policy.FieldRule{Module: m, Field: f, Access: access})
	}
	return out
}
