package workload

import (
	"math/rand/v2"
)

const (
	users  = 1000
	levels = 5
	start  = 1_700_000_000_000 // the oldest update, milliseconds since 1970
)

// The roles, by the level of the reporting tree that they are meant for.
const (
	director = iota
	deputy
	regionalHead
	unitHead
	teamLead
	lineManager
	salesperson
	deskPartner
	assistant
	auditor
	caretaker
	steward
)

var roles = []Role{
	director:     {"director", "admin", [...]Scope{All, All, All}, access("edit", "edit", "edit", "edit", "edit", "edit", "edit", "edit")},
	deputy:       {"deputy", "admin", [...]Scope{All, Subtree, Own}, access("edit", "edit", "edit", "edit", "edit", "masked", "edit", "edit")},
	regionalHead: {"regional head", "power", [...]Scope{Subtree, Subtree, Own}, access("edit", "edit", "edit", "edit", "edit", "masked", "edit", "edit")},
	unitHead:     {"unit head", "power", [...]Scope{Subtree, Department, Own}, access("edit", "edit", "edit", "edit", "read", "masked", "read", "edit")},
	teamLead:     {"team lead", "standard", [...]Scope{Department, Reports, Own}, access("edit", "edit", "edit", "edit", "read", "hidden", "read", "read")},
	lineManager:  {"line manager", "standard", [...]Scope{Reports, Reports, None}, access("edit", "edit", "read", "edit", "read", "hidden", "read", "read")},
	salesperson:  {"salesperson", "standard", [...]Scope{Own, Own, Own}, access("edit", "edit", "edit", "edit", "edit", "hidden", "read", "hidden")},
	deskPartner:  {"desk partner", "standard", [...]Scope{Department, Own, None}, access("masked", "masked", "read", "read", "read", "hidden", "hidden", "hidden")},
	assistant:    {"assistant", "restricted", [...]Scope{Own, None, None}, access("masked", "masked", "hidden", "read", "read", "hidden", "hidden", "hidden")},
	auditor:      {"auditor", "admin", [...]Scope{All, None, None}, access("masked", "masked", "masked", "read", "read", "masked", "read", "read")},
	caretaker:    {"caretaker", "power", [...]Scope{Department, Department, None}, access("edit", "edit", "edit", "read", "read", "masked", "read", "read")},
	steward:      {"data steward", "power", [...]Scope{Subtree, None, Subtree}, access("read", "read", "read", "read", "read", "hidden", "read", "read")},
}

func access(words ...string) (out [len(Fields)]string) {
	copy(out[:], words)
	return out
}

// Make makes the tenant of the seed with n accounts. The organisation does not depend on n.
func Make(seed uint64, n int) *World {
	r := rand.New(rand.NewPCG(seed, 0))
	w := &World{Roles: roles}
	w.hire()
	w.settle(r)
	w.appoint(r)
	w.open(rand.New(rand.NewPCG(seed, uint64(n))), n)
	return w
}

// hire makes the reporting tree: everybody above the lowest level has 6 or 5 reports in turn, until all users are placed.
func (w *World) hire() {
	w.Users = append(make([]User, 0, users), User{Manager: Nobody})
	for boss := 0; len(w.Users) < users; boss++ {
		for range min(6-boss%2, users-len(w.Users)) {
			w.Users = append(w.Users, User{Manager: UserID(boss), Depth: w.Users[boss].Depth + 1})
		}
	}
}

// settle makes the departments. The three upper levels and some of the fourth head one, below their manager's; the others sit in their
// manager's, but one in ten somewhere else.
func (w *World) settle(r *rand.Rand) {
	for i := range w.Users {
		u := &w.Users[i]
		switch {
		case u.Manager == Nobody:
			w.Parents = append(w.Parents, Nowhere)
		case u.Depth < levels-2 || u.Depth == levels-2 && r.IntN(4) == 0:
			u.Department = DepartmentID(len(w.Parents))
			w.Parents = append(w.Parents, w.Users[u.Manager].Department)
		default:
			u.Department = w.Users[u.Manager].Department
		}
	}
	for i := range w.Users {
		if w.Users[i].Depth == levels-1 && r.IntN(10) == 0 {
			w.Users[i].Department = DepartmentID(r.IntN(len(w.Parents)))
		}
	}
}

// appoint gives everybody the role of their level, and one in four another one.
func (w *World) appoint(r *rand.Rand) {
	byLevel := [levels][]uint8{
		{director},
		{deputy, regionalHead, regionalHead},
		{unitHead, lineManager},
		{teamLead, lineManager, lineManager},
		{salesperson, salesperson, salesperson, salesperson, salesperson, deskPartner, assistant},
	}
	extra := []uint8{salesperson, salesperson, assistant, deskPartner, teamLead, caretaker, steward, auditor}
	for i := range w.Users {
		u := &w.Users[i]
		mine := byLevel[u.Depth]
		u.Roles = append(u.Roles, mine[r.IntN(len(mine))])
		if more := extra[r.IntN(len(extra))]; r.IntN(4) == 0 && more != u.Roles[0] {
			u.Roles = append(u.Roles, more)
		}
	}
}

// open makes the accounts. Four in five belong to somebody of the lowest level; nine in ten lie in their owner's department; one in fifty is
// shared. The order of updates has nothing to do with anything else.
func (w *World) open(r *rand.Rand, n int) {
	lowest := 0
	for w.Users[lowest].Depth < levels-1 {
		lowest++
	}
	w.Accounts, w.Newest = make([]Account, n), make([]AccountID, n)
	for i := range w.Accounts {
		a := &w.Accounts[i]
		a.Owner = UserID(r.IntN(users))
		if r.IntN(5) > 0 {
			a.Owner = UserID(lowest + r.IntN(users-lowest))
		}
		a.Department = w.Users[a.Owner].Department
		if r.IntN(10) == 0 {
			a.Department = DepartmentID(r.IntN(len(w.Parents)))
		}
		w.team(r, a)
		if r.IntN(50) == 0 {
			a.Share = Share{DepartmentID(r.IntN(len(w.Parents))), strength(r)}
		}
		w.Newest[i] = AccountID(i)
	}
	r.Shuffle(n, func(i, j int) { w.Newest[i], w.Newest[j] = w.Newest[j], w.Newest[i] })
	for place, id := range w.Newest {
		w.Accounts[id].Updated = start + int64(n-place)*1000 + r.Int64N(1000)
	}
}

// team puts up to three users on the account's team, none twice.
func (w *World) team(r *rand.Rand, a *Account) {
	for i := range r.IntN(len(a.Team) + 1) {
		u := UserID(r.IntN(users))
		for _, m := range a.Team[:i] {
			if m.User == u {
				return
			}
		}
		a.Team[i] = Member{u, strength(r)}
	}
}

func strength(r *rand.Rand) Strength { return MayRead + Strength(r.IntN(2)) }
