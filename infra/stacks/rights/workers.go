package rights

import (
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
)

// Workers are the functions that no client calls, by handler.
var Workers = map[string]Rights{
	"stream.changes": {
		Read: []string{start, nowhere, key.EveryTenant(""), feed}, Write: []string{key.EveryTenant("AULOG"), feed}, ReadKeys: true, Unwrap: true, Mac: true, Wake: true,
	},
	"jobs.run": {
		Read: []string{key.EveryTenant(""), key.EveryControl("*"), key.DueJobs}, Indexes: []table.Index{table.G1, table.G2, table.G3, table.G4},
		Append: []string{events}, Write: []string{key.EveryTenant(""), key.EveryControl("*")},
		ReadKeys: true, WriteKeys: []string{accountKeys, tenantKeys}, Unwrap: true, Wrap: true, Identity: append(follow[:6:6], "AdminCreateUser", "AdminSetUserPassword"),
	},
	"messages.send": { // codes lie with their users; whom a forgotten password is of is sealed by what follows from a MAC
		Read:   []string{start, nowhere, meta, users, unique, jobs, slugs, forgotten, systemJobs},
		Append: []string{events}, Write: []string{users, jobs, systemJobs}, ReadKeys: true, Unwrap: true, Mac: true, Mail: true, Texts: true,
	},
	"notify.bounces": {
		Read: []string{start, nowhere, key.EveryTenant("")}, Append: []string{events}, Write: []string{users}, ReadKeys: true, Unwrap: true,
	},
	"jobs.due": {
		Read: []string{start, nowhere, key.EveryTenant("JOB#*"), systemJobs, key.DueJobs}, Indexes: []table.Index{table.G4}, Wake: true,
	},
	"counters.advance": {
		Read:    []string{start, nowhere, accounts[0], owned, organisation, counters, feed, key.EveryControl("TENANTS")},
		Indexes: []table.Index{table.G1}, Write: []string{counters, feed}, Stream: true,
	},
	"schedule.reconcile": {
		Read: []string{start, nowhere, key.EveryTenant(""), key.EveryControl("TENANTS"), key.EveryControl("ONB#*")}, Indexes: []table.Index{table.G1},
		Append: []string{events}, Write: []string{users, organisation, meta, jobs, start}, ReadKeys: true, Unwrap: true, Identity: append(follow[:6:6], "ListUsers"),
	},
}

// VariablesOf are the variables that each worker reads.
var VariablesOf = map[string][]string{
	"stream.changes":     append(stored[:3:3], "STEWARD_KEY_AUDIT", "STEWARD_JOBS_QUEUE", "STEWARD_MESSAGES_QUEUE"),
	"jobs.run":           identifying,
	"messages.send":      append(stored[:3:3], "STEWARD_KEY_AUDIT", "STEWARD_MAIL_FROM", "STEWARD_MAIL_SET", "STEWARD_SMS_SENDER", "STEWARD_BASE_URL"),
	"jobs.due":           {"STEWARD_TABLE", "STEWARD_KEYS_TABLE", "STEWARD_JOBS_QUEUE", "STEWARD_MESSAGES_QUEUE"},
	"counters.advance":   {"STEWARD_TABLE", "STEWARD_KEYS_TABLE", "STEWARD_STREAM"},
	"schedule.reconcile": identifying,
	"notify.bounces":     stored,
}

var identifying = append(stored[:3:3], "STEWARD_POOL", "STEWARD_CLIENT", "STEWARD_CLIENT_SECRET")

// follow are the actions of Cognito that bring an identity in line with its row.
var follow = []string{
	"AdminDeleteUser", "AdminDisableUser", "AdminEnableUser", "AdminGetUser", "AdminUpdateUserAttributes", "AdminUserGlobalSignOut",
}
