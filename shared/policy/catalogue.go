package policy

import (
	"slices"
	"strings"
)

// The modules.
const (
	ModAccount     Module = "account"
	ModContact     Module = "contact"
	ModNote        Module = "note"
	ModReminder    Module = "reminder"
	ModCategory    Module = "category"
	ModOpportunity Module = "opportunity"
	ModOrder       Module = "order"
	ModService     Module = "service" // complaints, service requests, satisfaction
	ModCampaign    Module = "campaign"
	ModLead        Module = "lead"
	ModReport      Module = "report"
	ModUser        Module = "user"
	ModRole        Module = "role"
	ModOrg         Module = "org"   // departments and posts
	ModOwner       Module = "owner" // bulk transfers, pools, the history of owners
	ModField       Module = "field"
	ModApproval    Module = "approval"
	ModReview      Module = "review"
	ModAudit       Module = "audit"
	ModBackup      Module = "backup"
	ModTenant      Module = "tenant" // company and settings
)

// The actions. Update is "edit" in JSON; its name keeps clear of the field access Edit.
const (
	View     Action = "view"
	Create   Action = "create"
	Update   Action = "edit"
	Delete   Action = "delete"
	Transfer Action = "transfer"
	Share    Action = "share"
	Export   Action = "export"
	Import   Action = "import"
	Approve  Action = "approve"
	Comment  Action = "comment"
	Reveal   Action = "reveal"
)

// Actions are all of them, in the order in which they are shown.
var Actions = []Action{View, Create, Update, Delete, Transfer, Share, Export, Import, Approve, Comment, Reveal}

// Entry says what rights exist on one module.
type Entry struct {
	Module    Module   `json:"module"`
	Actions   []Action `json:"actions"`
	Scopes    []Scope  `json:"scopes"`    // all five where resources have owners; only all where they belong to the tenant as a whole
	Core      bool     `json:"core"`      // cannot be switched off
	Fields    []string `json:"fields"`    // that field rules may name; parts of a field are named field.part
	Sensitive []string `json:"sensitive"` // of Fields: hidden unless a rule shows them
}

// owned and wide are the two kinds of scopes a module may have.
var (
	owned = Scopes
	wide  = []Scope{All}
)

// catalogue is every right there is. A pair of module and action that is not in it cannot be granted and is always denied.
var catalogue = []Entry{
	{
		Module: ModAccount, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Transfer, Share, Export, Import, Reveal},
		Fields: []string{
			"name", "type", "valueTier", "stage", "email", "phone", "address", "website", "industry", "idNumber",
			"ownerId", "departmentId", "categoryIds", "protection", "contacts", "custom",
		},
		Sensitive: []string{"idNumber"},
	},
	{
		Module: ModContact, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Export, Import, Reveal},
		Fields: []string{"name", "title", "email", "phone", "primary", "idNumber"}, Sensitive: []string{"idNumber"},
	},
	{Module: ModNote, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Comment}},
	{Module: ModReminder, Scopes: owned, Actions: []Action{View, Create, Update, Delete}},
	{Module: ModCategory, Scopes: wide, Actions: []Action{View, Create, Update, Delete}},
	{Module: ModOpportunity, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Transfer, Share, Export, Import, Approve, Comment}},
	{Module: ModOrder, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Transfer, Share, Export, Import, Approve, Comment}},
	{Module: ModService, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Transfer, Share, Export, Import, Comment}},
	{Module: ModCampaign, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Share, Export, Import, Approve, Comment}},
	{Module: ModLead, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Transfer, Share, Export, Import, Comment}},
	{Module: ModReport, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Share, Export}},
	{
		Module: ModUser, Scopes: owned, Core: true, Actions: []Action{View, Create, Update, Delete, Export, Import, Reveal},
		Fields: []string{"name", "email", "phone", "employeeNo"},
	},
	{Module: ModRole, Scopes: wide, Core: true, Actions: []Action{View, Create, Update, Delete}},
	{Module: ModOrg, Scopes: wide, Core: true, Actions: []Action{View, Create, Update, Delete}},
	{Module: ModOwner, Scopes: owned, Actions: []Action{View, Update, Transfer}},
	{Module: ModField, Scopes: wide, Actions: []Action{View, Create, Update, Delete}},
	{Module: ModApproval, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Approve, Comment}},
	{Module: ModReview, Scopes: owned, Actions: []Action{View, Create, Update, Delete, Approve, Comment}},
	{Module: ModAudit, Scopes: wide, Core: true, Actions: []Action{View, Export}},
	{Module: ModBackup, Scopes: wide, Actions: []Action{View, Create, Update, Delete, Export, Approve}},
	{Module: ModTenant, Scopes: wide, Core: true, Actions: []Action{View, Update}},
}

// Catalogue gives a copy of every right there is, module by module.
func Catalogue() []Entry {
	out := slices.Clone(catalogue)
	for i, e := range out {
		out[i].Actions, out[i].Scopes = slices.Clone(e.Actions), slices.Clone(e.Scopes)
		out[i].Fields, out[i].Sensitive = slices.Clone(e.Fields), slices.Clone(e.Sensitive)
	}
	return out
}

// Core reports whether the module cannot be switched off. What is no module is not core.
func Core(m Module) bool {
	i := moduleIndex.of(string(m))
	return i >= 0 && catalogue[i].Core
}

// Declared reports whether the catalogue has the action in the module.
func Declared(m Module, a Action) bool {
	return declared(moduleIndex.of(string(m)), actionIndex.of(string(a)))
}

// DeclaredScope reports whether the scope means something in the module.
func DeclaredScope(m Module, s Scope) bool {
	i := moduleIndex.of(string(m))
	return i >= 0 && slices.Contains(catalogue[i].Scopes, s)
}

// DeclaredField reports whether field rules may name the field: one of the module's, or a part of one.
func DeclaredField(m Module, field string) bool {
	i := moduleIndex.of(string(m))
	if i < 0 {
		return false
	}
	top, part, dotted := strings.Cut(field, ".")
	return slices.Contains(catalogue[i].Fields, top) && (!dotted || part != "")
}

// fallback is the access to a field that no rule of a role names.
func fallback(module int, field string) Access {
	top, _, _ := strings.Cut(field, ".")
	if slices.Contains(catalogue[module].Sensitive, top) {
		return Hidden
	}
	return Edit
}

// off reports whether the tenant has switched the module off.
func off(s *Subject, module int) bool {
	for _, name := range s.Org.Settings.ModulesOff {
		if name == string(catalogue[module].Module) {
			return !catalogue[module].Core
		}
	}
	return false
}
