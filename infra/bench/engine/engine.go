// Package engine is the one interface behind which the permission engines are compared. Each engine is a package below: it states the
// workload's rights in the engine's own language, as a careful user of it would, and adds nothing that the engine does not have.
//
// Each package but Steward's states them twice. Taught is what the engine's manual teaches: roles, reporting lines and departments are told as
// they are, and the engine works out the rest. Prepared is handed the same preparation everywhere (workload.Chart): the widest scope of each
// user and action, and the organisation spelt out.
package engine

import "github.com/steward-crm/steward/infra/bench/workload"

// Engine decides. Load is called once, before everything else; Close gives back what Load took.
type Engine interface {
	Load(w *workload.World) error
	Check(u workload.UserID, do workload.Action, id workload.AccountID) (bool, error)
	Close()
}

// Lister is an engine that answers lists itself.
type Lister interface {
	FirstPage(u workload.UserID, n int) ([]workload.AccountID, error) // of the accounts that the user may view, newest update first
	Count(u workload.UserID) (int, error)                             // of them all
}

// Filterer is an engine without lists that checks many accounts at once quicker than one by one: it gives those of them that the user may
// view, in their order, and stops after n.
type Filterer interface {
	Filter(u workload.UserID, among []workload.AccountID, n int) ([]workload.AccountID, error)
}
