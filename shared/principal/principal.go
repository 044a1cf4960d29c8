// Package principal says who asks. A Principal is built by the edge from a verified token and two strongly read rows, Tenant and
// Standing; nothing in a request's body, query or headers can change it. What the principal may do is policy's business.
package principal

import (
	"time"

	"github.com/steward-crm/steward/shared/id"
)

// Principal is the user who asks, in the tenant whose data they ask for.
type Principal struct {
	Tenant    id.Tenant
	User      id.User    // "" for the system itself (jobs, webhooks)
	Session   string     // the identity provider's id of the sign-in; "" for the system
	Locale    string     // of the answer: zh-CN, zh-TW or en
	Source    string     // network address of the client, for the audit
	RequestID id.Request // of the request that caused it
	Operation string     // the operation asked for, such as accounts.create: the audit action
	At        time.Time  // when the request began
}

// System returns the principal of the system itself in a tenant: a job's step, a webhook. It passes no permission check; the code
// that uses it decides.
func System(t id.Tenant, operation string, at time.Time) Principal {
	return Principal{Tenant: t, Operation: operation, Locale: "en", At: at}
}

// TenantStatus is where a tenant is in its life: provisioning → active ⇄ suspended → cancelled.
type TenantStatus string

// The statuses of a tenant. Only an active tenant's users may do anything.
const (
	TenantProvisioning TenantStatus = "provisioning"
	TenantActive       TenantStatus = "active"
	TenantSuspended    TenantStatus = "suspended"
	TenantCancelled    TenantStatus = "cancelled"
)

// Tenant is the document of the tenant's root item (key.Tenant). Every request reads it, so it holds what every request needs and
// nothing else. Whoever changes roles raises AuthzVer, whoever changes departments, posts, managers or a user's place raises
// OrgVer, in the same commit and on the version that they read: that serialises such changes within a tenant, which is what makes
// "no cycle", "the last administrator stays" and "nobody exceeds a limit" hold under races.
type Tenant struct {
	ID         id.Tenant    `json:"id"`
	Slug       string       `json:"slug"`
	ExternalID string       `json:"externalId"`
	Status     TenantStatus `json:"status"`
	Plan       string       `json:"plan"`
	AuthzVer   int64        `json:"authzVer"`
	OrgVer     int64        `json:"orgVer"`
	CfgVer     int64        `json:"cfgVer"`
	Shards     int          `json:"shards"`          // of the tenant-wide account index; only grows: 1, 4, 16
	Strays     bool         `json:"strays,omitzero"` // accounts that lie elsewhere than their owner sits have shards of their own; from the first account on, or never
	Users      int          `json:"users"`           // users not deleted
	UserLimit  int          `json:"userLimit"`       // of the plan; Users never exceeds it
	Settings   Settings     `json:"settings"`
	CreatedAt  time.Time    `json:"createdAt"`
}

// Settings are what a tenant's administrator chooses.
type Settings struct {
	Locale                string   `json:"locale"`                // zh-CN, zh-TW or en
	Region                string   `json:"region"`                // ISO 3166-1 alpha-2: default country of phone numbers
	RequiredAccountFields []string `json:"requiredAccountFields"` // JSON names of account fields
	ModulesOff            []string `json:"modulesOff"`            // policy modules that are switched off
	PasswordComposition   bool     `json:"passwordComposition"`   // demand upper, lower, digit and sign as well
	PasswordMinLength     int      `json:"passwordMinLength"`     // 12 to 128

	Defaults   map[string]string `json:"defaults,omitempty"`         // by module: private, public_read, public_edit; absent is private
	Separation []Separation      `json:"separationOfDuty,omitempty"` // pairs of rights that no one may hold together
}

// Separation is a rule of separation of duty: nobody's roles may give both rights. A right is a module and an action joined by a dot, such as
// order.approve.
type Separation struct {
	Name   string `json:"name"`
	First  string `json:"first"`
	Second string `json:"second"`
}

// UserStatus is where a user is in their life: invited → active ⇄ inactive → deleted.
type UserStatus string

// The statuses of a user. Only an active user may do anything, or become owner, team member, approver or share target.
const (
	UserInvited  UserStatus = "invited"
	UserActive   UserStatus = "active"
	UserInactive UserStatus = "inactive"
	UserDeleted  UserStatus = "deleted"
)

// Standing is the part of a user's document that decides what they may do now. The user noun embeds it in its document (key.User);
// access reads it on each request. Place is also kept in the tenant's organisation partition (key.Place) by the same commit.
type Standing struct {
	Place
	Status        UserStatus `json:"status"`
	Locale        string     `json:"locale"`
	SessionsAfter time.Time  `json:"sessionsAfter"` // sign-ins at or before this second are dead
	SessionKept   Kept       `json:"sessionKept,omitzero"`
}

// Kept is the one sign-in that outlives SessionsAfter: the one in which the password was changed. It holds only beside the SessionsAfter
// that it was set with, so whoever ends sessions later need not know of it.
type Kept struct {
	Session string    `json:"session"`
	At      time.Time `json:"at"`
}

// Ended reports whether a sign-in of this time is dead.
func (s *Standing) Ended(session string, authTime time.Time) bool {
	if s.SessionsAfter.IsZero() || authTime.Unix() > s.SessionsAfter.Unix() {
		return false
	}
	return s.SessionKept.Session == "" || s.SessionKept.Session != session || !s.SessionKept.At.Equal(s.SessionsAfter)
}

// Place is where a user sits in the organisation and which roles they hold: one item a user in the organisation partition, so that one
// query reads all of the tenant's reporting lines and role holders.
type Place struct {
	User       id.User       `json:"userId"`
	Department id.Department `json:"departmentId,omitempty"`
	Manager    id.User       `json:"managerId,omitempty"`
	Posts      []id.Post     `json:"postIds,omitempty"`
	Roles      []id.Role     `json:"roleIds,omitempty"` // held directly; the roles of posts come on top
	Active     bool          `json:"active"`            // status is active
	Moved      bool          `json:"moved,omitzero"`    // has left a department once, and may own accounts that were filed there
}
