package rights

import (
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

var (
	start   = key.EveryControl("SCHEMA") // what every function reads while it starts
	nowhere = key.Nowhere("").PK         // what the table adapter checks to do nothing
	events  = key.EveryAuditEvent()
	replies = key.EveryTenant("IK#*")

	attempts, slugs, forgotten = key.EveryControl("ATT#*"), key.EveryControl("SLUG#*"), key.EveryControl("FGT#*")
	feed                       = key.EveryControl("FEED")
	systemJobs                 = key.EveryControl("JOB#*")

	accounts     = []string{key.EveryTenant("A#*"), key.EveryTenant("BI#*"), key.EveryTenant("KC#*"), key.EveryTenant("KJ#*"), owned}
	owned        = key.EveryTenant("OW#*")
	counters     = key.EveryTenant("CNT")
	meta         = key.EveryTenant("META")
	authz        = key.EveryTenant("AUTHZ")
	organisation = key.EveryTenant("ORG")
	users        = key.EveryTenant("U#*")
	unique       = key.EveryTenant("UQ#*")
	joined       = key.EveryTenant("KJ#*")
	members      = key.EveryTenant("RM#*")
	jobs         = key.EveryTenant("JOB#*")
	accountKeys  = key.EveryTenant("AK#*")
	tenantKeys   = key.EveryTenant("TK")
)

// row is what the operations of a resource have in common.
type row struct {
	asks      bool     // any port at all
	system    bool     // reads nothing of tenants but what read names
	read      []string // besides the tenants'
	write     []string // of operations that change something
	writeKeys []string
	indexes   []table.Index
	wrap      bool
	secret    bool
	env       []string
}

var (
	stored   = []string{"STEWARD_TABLE", "STEWARD_KEYS_TABLE", "STEWARD_KEY_DATA"}
	signedIn = append(stored[:3:3], "STEWARD_POOL", "STEWARD_CLIENT")
	signing  = append(signedIn[:5:5], "STEWARD_KEY_AUDIT", "STEWARD_CLIENT_SECRET")
)

var rows = map[string]row{
	"health": {},
	"docs":   {},
	"accounts": {
		asks: true, env: signedIn, read: []string{feed}, // how far the counts of accounts are
		indexes: []table.Index{table.G1, table.G2, table.G3, table.G4, table.G5},
		write:   append(accounts[:5:5], authz, meta), writeKeys: []string{accountKeys},
	},
	"categories": {asks: true, env: signedIn, indexes: []table.Index{table.G1, table.G2, table.G3}, write: []string{authz, unique, meta, joined}},
	"org":        {asks: true, env: signedIn, indexes: []table.Index{table.G1, table.G2, table.G3}, write: []string{organisation, meta}},
	"roles":      {asks: true, env: signedIn, indexes: []table.Index{table.G1, table.G2, table.G3}, write: []string{authz, unique, meta}},
	"users": {
		asks: true, env: signedIn, indexes: []table.Index{table.G1, table.G2, table.G3},
		write: []string{users, unique, organisation, members, meta, jobs}, writeKeys: []string{accountKeys},
	},
	"permissions": {asks: true, env: signedIn},
	"audit":       {asks: true, env: append(signedIn[:5:5], "STEWARD_KEY_AUDIT"), indexes: []table.Index{table.G2, table.G3}},
	"jobs":        {asks: true, env: signedIn, indexes: []table.Index{table.G1}},
	"auth": {
		asks: true, env: signing, read: []string{attempts, slugs, forgotten},
		write: []string{attempts, users, organisation, meta, jobs},
	},
	"me":         {asks: true, env: signing, read: []string{attempts}, write: []string{attempts, users, unique, organisation, jobs}},
	"onboarding": {asks: true, system: true, env: signedIn, read: []string{key.EveryControl("ONB#*")}},
	"webhooks": {
		asks: true, system: true, secret: true, wrap: true, env: append(stored[:3:3], "STEWARD_WEBHOOK_SECRET"),
		read: append(onboarding[:6:6], meta),
	},
}

// onboarding are the system's records of tenants that come and change.
var onboarding = []string{
	key.EveryControl("DEAD"), key.EveryControl("EXT#*"), key.EveryControl("HELD#*"), slugs, key.EveryControl("WH#*"), key.EveryControl("ONB#*"),
}

// exact are the operations whose rights are not those of their resource.
var exact = map[string]func(*Rights){
	"onboarding.get": func(x *Rights) { x.ReadKeys, x.Unwrap = false, false },
	"webhooks.onboarding": func(x *Rights) {
		x.Write, x.WriteKeys = append(onboarding[:6:6], systemJobs, meta), []string{tenantKeys}
		x.Append = []string{events}
	},
	"auth.forgotPassword": func(x *Rights) {
		x.Read, x.ReadKeys, x.Unwrap = []string{start, nowhere, forgotten}, false, false
		x.Write = []string{forgotten, systemJobs}
	},
	"auth.refresh": func(*Rights) {},
}

// macs are the operations that make MACs: of a log's head, and of whatever counts attempts or seals who forgot a password.
var macs = []string{"audit.verify", "auth.challenge", "auth.forgotPassword", "auth.resetPassword", "auth.signIn", "me.changePassword", "me.update"}

// identity are the actions of Cognito by operation, of which a test holds that the code can come to each and to no other. Refreshing, revoking and enrolling are asked for with the token that they are about; IAM
// has no say in them (Cognito developer guide, November 2026).
var identity = map[string][]string{
	"auth.signIn":        {"AdminInitiateAuth", "AdminGetUser"},
	"auth.challenge":     {"AdminRespondToAuthChallenge", "AdminInitiateAuth", "AdminGetUser"},
	"auth.resetPassword": {"AdminInitiateAuth", "AdminSetUserPassword", "AdminUserGlobalSignOut"},
	"me.update":          {"AdminInitiateAuth"},
	"me.changePassword":  {"AdminInitiateAuth", "AdminSetUserPassword"},
	"me.confirmTotp":     {"AdminSetUserMFAPreference"},
	"me.removeTotp":      {"AdminSetUserMFAPreference", "AdminGetUser"},
}
