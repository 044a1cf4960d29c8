package policy

import (
	"strings"

	"github.com/steward-crm/steward/shared/id"
)

// Grantee names whom a grant on a record is for: one user, the users who sit in a department, those who sit in it or anywhere below it, or
// the holders of a role. It is a short text that can stand in a key: a letter for the kind, a colon, an id.
type Grantee string

// The kinds of grantees, as the letters that Grantees start with.
const (
	granteeUser       = "U:"
	granteeDepartment = "D:"
	granteeSubtree    = "S:"
	granteeRole       = "R:"
)

// ToUser is a grantee that is one user.
func ToUser(u id.User) Grantee { return granteeUser + Grantee(u) }

// ToDepartment is everyone who sits in the department, and with below everyone who sits anywhere under it as well.
func ToDepartment(d id.Department, below bool) Grantee {
	if below {
		return granteeSubtree + Grantee(d)
	}
	return granteeDepartment + Grantee(d)
}

// ToRole is everyone who holds the role, directly or by a post.
func ToRole(r id.Role) Grantee { return granteeRole + Grantee(r) }

// User gives the user that the grantee is; "" and false when it is none.
func (g Grantee) User() (id.User, bool) {
	s, ok := g.is(granteeUser)
	return id.User(s), ok
}

// Department gives the department that the grantee is, and whether those below it count; "" and false when it is none.
func (g Grantee) Department() (d id.Department, below, ok bool) {
	if s, ok := g.is(granteeDepartment); ok {
		return id.Department(s), false, true
	}
	s, ok := g.is(granteeSubtree)
	return id.Department(s), ok, ok
}

// Role gives the role that the grantee is; "" and false when it is none.
func (g Grantee) Role() (id.Role, bool) {
	s, ok := g.is(granteeRole)
	return id.Role(s), ok
}

func (g Grantee) is(kind string) (string, bool) {
	if s, ok := strings.CutPrefix(string(g), kind); ok {
		return s, true
	}
	return "", false
}

// Acts is a set of what a grant on a record switches: view, edit, delete.
type Acts uint8

// The acts. A share to read is ActView, one to edit is ActView|ActEdit.
const (
	ActView Acts = 1 << iota
	ActEdit
	ActDelete
)

// ActsOf gives what the level of a share or a team member switches on: read or edit; none for any other word.
func ActsOf(level string) Acts {
	switch level {
	case "read":
		return ActView
	case "edit":
		return ActView | ActEdit
	}
	return 0
}

// actions are the actions of the module account that the acts stand for.
var actActions = map[Acts]Action{ActView: View, ActEdit: Update, ActDelete: Delete}

// Each calls f with each single act of the set and the action of the module account that it stands for, until f answers false.
func (a Acts) Each(f func(Acts, Action) bool) {
	for act := ActView; act <= ActDelete; act <<= 1 {
		if a&act != 0 && !f(act, actActions[act]) {
			return
		}
	}
}

// GrantKind says what a record grant is.
type GrantKind string

// The kinds of record grants. Those of categories are the category's and not the record's.
const (
	KindTeam      GrantKind = "team"      // a user who works on the account, with a role in the team
	KindShare     GrantKind = "share"     // to a user, a department or a role
	KindTemporary GrantKind = "temporary" // to a user, and always with an end
	KindOverride  GrantKind = "override"  // switches for one record: on grants, off denies
)

// RecordGrant opens one record to somebody, or closes it. On adds to what scopes reach (rule 4), never an action that the grantee's roles
// lack. Off takes away whatever gave it (rule 5).
type RecordGrant struct {
	Kind      GrantKind `json:"kind"`
	To        Grantee   `json:"to"`
	On        Acts      `json:"on,omitzero"`
	Off       Acts      `json:"off,omitzero"`
	Superiors bool      `json:"superiors,omitzero"` // On reaches everyone above an active user whom it reaches, too
	Expires   int64     `json:"expires,omitzero"`   // second since 1970 from which it counts no more; 0: never
}

// CategoryGrant opens every record of a category to somebody.
type CategoryGrant struct {
	Category  id.Category
	To        Grantee
	On        Acts
	Superiors bool
}

// switches are the acts that a record grant needs to have on to allow an action, and those that deny it when off.
type switches struct{ on, off Acts }

// recordActs says which grants on an account speak of which action. A record grant on an account holds for its contacts, notes and reminders
// as well, as if they were parts of it: to edit the account is to make, change and remove them. What no record grant gives (transfer,
// share, export, reveal, approve) follows scopes alone, and ends with the sight of the record.
var recordActs = func() (t [moduleCount][actionCount]switches) {
	set := func(m Module, a Action, s switches) {
		if mi, ai := moduleIndex.of(string(m)), actionIndex.of(string(a)); declared(mi, ai) {
			t[mi][ai] = s
		}
	}
	for _, m := range []Module{ModAccount, ModContact, ModNote, ModReminder} {
		for _, a := range Actions {
			set(m, a, switches{off: ActView})
		}
		set(m, View, switches{ActView, ActView})
		set(m, Comment, switches{ActView, ActView})
		set(m, Update, switches{ActEdit, ActView | ActEdit})
		set(m, Create, switches{ActEdit, ActView | ActEdit})
		set(m, Delete, switches{ActEdit, ActView | ActEdit | ActDelete})
	}
	set(ModAccount, Create, switches{})
	set(ModAccount, Delete, switches{ActDelete, ActView | ActDelete})
	return t
}()

// live reports whether the grant still counts when the subject asks.
func (g *RecordGrant) live(s *Subject) bool { return g.Expires == 0 || s.At.Unix() < g.Expires }

// direct reports whether the subject is one of those whom the grantee names.
func (r *Rights) direct(to Grantee) bool {
	if to == r.me {
		return true
	}
	if strings.HasPrefix(string(to), granteeUser) {
		return false // of users one is oneself alone: most members of a team cost no search
	}
	_, ok := r.mine.get(to)
	return ok
}

// meets reports whether what is on of a grant reaches the subject: directly, or through an active user who reports to them.
func (r *Rights) meets(to Grantee, superiors bool) bool {
	if r.direct(to) {
		return true
	}
	if !superiors {
		return false
	}
	_, ok := r.theirs.get(to)
	return ok
}

// Opens reports whether the grant by itself lets the subject do the action on the record that has it, as far as rules 2 and 4 go: whether
// something denies it, the record says.
func Opens(s *Subject, m Module, a Action, g *RecordGrant) bool {
	return May(s, m, a) != None && g.On&actsOf(m, a).on != 0 && g.live(s) && s.meets(g.To, g.Superiors)
}

// Closes reports whether the grant denies the subject the action on the record that has it.
func Closes(s *Subject, m Module, a Action, g *RecordGrant) bool {
	return g.Off&actsOf(m, a).off != 0 && g.live(s) && s.direct(g.To)
}

func actsOf(m Module, a Action) switches {
	mi, ai := moduleIndex.of(string(m)), actionIndex.of(string(a))
	if !declared(mi, ai) {
		return switches{}
	}
	return recordActs[mi][ai]
}

// denial is the first of the record's grants that denies by what it has off: a position from 1, 0 for none.
func (s *Subject) denial(grants []RecordGrant, off Acts) int {
	for i := range grants {
		if g := &grants[i]; g.Off&off != 0 && g.live(s) && s.direct(g.To) {
			return i + 1
		}
	}
	return 0
}

// permit is the first of the record's grants that allows by what it has on: a position from 1, 0 for none. It is the dearest to look for,
// and so the last.
func (s *Subject) permit(grants []RecordGrant, on Acts) int {
	for i := range grants {
		if g := &grants[i]; g.On&on != 0 && g.live(s) && s.meets(g.To, g.Superiors) {
			return i + 1
		}
	}
	return 0
}

// categorised gives the first of the categories whose grants allow.
func (s *Subject) categorised(categories []id.Category, on Acts) id.Category {
	for _, c := range categories {
		if s.categories[c]&on != 0 {
			return c
		}
	}
	return ""
}

// Default is what every user with the right to an action may do with any record of a module, whoever owns it: the floor under scopes.
type Default string

// The defaults of a module that has owners.
const (
	Private    Default = "private"     // scopes and grants decide
	PublicRead Default = "public_read" // all may view who may view any
	PublicEdit Default = "public_edit" // and all may edit who may edit any
)

// Defaults are all of them, narrowest first.
var Defaults = []Default{Private, PublicRead, PublicEdit}

// HasDefault reports whether the module's records have owners, and so a default.
func HasDefault(m Module) bool {
	i := moduleIndex.of(string(m))
	return i >= 0 && len(catalogue[i].Scopes) > 1
}

// floored reports whether the tenant's default of the module allows the action on any record.
func (s *Subject) floored(m Module, a Action) bool {
	mi := moduleIndex.of(string(m))
	return mi >= 0 && s.floor(mi).opens(a)
}

// floor is the tenant's default of the module.
func (s *Subject) floor(module int) Default {
	if len(s.Org.Settings.Defaults) == 0 {
		return ""
	}
	return Default(s.Org.Settings.Defaults[string(catalogue[module].Module)])
}

// opens reports whether the default allows the action.
func (d Default) opens(a Action) bool {
	switch d {
	case PublicRead:
		return a == View || a == Comment
	case PublicEdit:
		return a == View || a == Comment || a == Update
	}
	return false
}
