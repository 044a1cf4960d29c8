// Package workload makes up the tenant that the permission engines are compared on: an organisation, roles, and as many accounts as asked
// for. It is plain data, the same for the same seed, and knows no engine and nothing of Steward.
//
// The meaning of rights, which every engine has to express: a role grants an action within a scope, and the scopes are a chain, own within
// reports within department within subtree within all. The scope is bound to its action inside one role; of several roles the widest
// counts. Being on an account's team, or of the department that it is shared to, adds view (read) or view and edit (edit) on that account,
// but never an action that no role of the user grants.
package workload

// The ids are places in the slices of a World.
type (
	UserID       int16
	DepartmentID int16
	AccountID    int32
)

// Nobody is the manager of the director, and Nowhere the parent of the topmost department.
const (
	Nobody  UserID       = -1
	Nowhere DepartmentID = -1
)

// Action is what a user may want to do with an account.
type Action uint8

// The actions, and how many there are.
const (
	View Action = iota
	Edit
	Delete
	ActionCount
)

// String gives the action's word.
func (a Action) String() string { return [...]string{"view", "edit", "delete"}[a] }

// Scope is how far a role's grant reaches.
type Scope uint8

// The scopes, narrowest first. None is no grant.
const (
	None Scope = iota
	Own
	Reports
	Department
	Subtree
	All
)

// String gives the scope's word.
func (s Scope) String() string {
	return [...]string{"none", "own", "reports", "department", "subtree", "all"}[s]
}

// Fields are those that roles restrict.
var Fields = [8]string{"email", "phone", "address", "website", "industry", "idNumber", "valueTier", "custom"}

// Role is a set of grants: the scope of each action, and the access to each of Fields (hidden, masked, read or edit).
type Role struct {
	Name   string
	Level  string // restricted, standard, power or admin
	Scopes [ActionCount]Scope
	Access [len(Fields)]string
}

// User is a member of the tenant. Depth is their distance from the director.
type User struct {
	Manager    UserID
	Department DepartmentID
	Depth      int8
	Roles      []uint8 // places in World.Roles
}

// Strength is what a team member or a share may do.
type Strength uint8

// The strengths. Edit includes view.
const (
	Nothing Strength = iota
	MayRead
	MayEdit
)

// Covers reports whether the strength covers the action.
func (s Strength) Covers(a Action) bool {
	return s == MayEdit && a == Edit || s >= MayRead && a == View
}

// Member is a user on the team of an account.
type Member struct {
	User UserID
	May  Strength // Nothing: the place on the team is free
}

// Share opens an account to the users of one department, without those below it.
type Share struct {
	Department DepartmentID
	May        Strength // Nothing: not shared
}

// Account is a customer's record, as far as rights and order need it.
type Account struct {
	Updated    int64 // milliseconds since 1970; no two accounts have the same
	Owner      UserID
	Department DepartmentID
	Team       [3]Member // the taken places come first
	Share      Share
}

// World is the tenant.
type World struct {
	Users    []User // the director first, then level by level
	Parents  []DepartmentID
	Roles    []Role
	Accounts []Account
	Newest   []AccountID // all accounts, newest update first: for engines that cannot sort
}
