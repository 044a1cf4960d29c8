package openfga

import "github.com/steward-crm/steward/infra/bench/workload"

// prepared has the relations of view and edit, of which delete is the part without record grants. Whoever reaches what a user owns, what lies
// in a department, or everything, is related to that user, department or company, so that no question climbs the organisation and only
// record grants need an intersection.
const prepared = `
model
  schema 1.1
type user
  relations
    define can_view: [user]
    define can_edit: [user]
    define can_delete: [user]
type department
  relations
    define member: [user]
    define can_view: [user]
    define can_edit: [user]
    define can_delete: [user]
type company
  relations
    define can_view: [user]
    define can_edit: [user]
    define can_delete: [user]
    define holds_view: [user]
    define holds_edit: [user]
type account
  relations
    define company: [company]
    define owner: [user]
    define department: [department]
    define editor: [user, department#member]
    define reader: [user, department#member] or editor
    define granted_view: reader and holds_view from company
    define granted_edit: editor and holds_edit from company
    define view: can_view from company or can_view from department or can_view from owner or granted_view
    define edit: can_edit from company or can_edit from department or can_edit from owner or granted_edit
    define delete: can_delete from company or can_delete from department or can_delete from owner
`

const company = "company:acme"

// Prepared is handed what Steward compiles.
func Prepared() *Engine { return &Engine{stated: stated{prepared, spellOut, "company", company}} }

func spellOut(w *workload.World, add add) {
	chart := w.Chart()
	for i, x := range w.Users {
		u := workload.UserID(i)
		me := user(u)
		add(department(x.Department), "member", me)
		for do, s := range chart.Widest[i] {
			can := "can_" + workload.Action(do).String()
			if s != workload.None && workload.Action(do) != workload.Delete {
				add(company, "holds_"+workload.Action(do).String(), me)
			}
			if s == workload.All {
				add(company, can, me)
				continue
			}
			if s >= workload.Own {
				add(me, can, me)
			}
			if s >= workload.Reports {
				for _, r := range chart.Reports[i] {
					add(user(r), can, me)
				}
			}
			if s >= workload.Department {
				add(department(x.Department), can, me)
			}
			if s >= workload.Subtree {
				for _, d := range chart.Below[x.Department] {
					add(department(d), can, me)
				}
			}
		}
	}
}
