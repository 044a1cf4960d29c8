package openfga

import (
	"strconv"
	"strings"

	"github.com/steward-crm/steward/infra/bench/workload"
)

// taught has the relations of view and edit, of which delete is the part without record grants; ACTION stands for each. A role is related to the
// scope of its grant and to all narrower ones: the narrower following from the wider in the model takes the server half as long again.
var taught = `
model
  schema 1.1
type user
  relations
    define manager: [user]
    define can_manage: manager or can_manage from manager
type role
  relations
    define assignee: [user]
type department
  relations
    define parent: [department]
    define member: [user]
    define overseer: member or overseer from parent
type organization
  relations` + forEach(workload.ActionCount, `
    define ACTION_all: [role#assignee]
    define ACTION_subtree: [role#assignee]
    define ACTION_department: [role#assignee]
    define ACTION_reports: [role#assignee]
    define ACTION_own: [role#assignee]`) + `
type account
  relations
    define organization: [organization]
    define owner: [user]
    define department: [department]
    define editor: [user, department#member] or owner
    define reader: [user, department#member] or editor
    define view: ` + scopes("view", "reader") + `
    define edit: ` + scopes("edit", "editor") + `
    define delete: ` + scopes("delete", "owner") + `
`

func forEach(n workload.Action, text string) string {
	out := ""
	for do := range n {
		out += strings.ReplaceAll(text, "ACTION", do.String())
	}
	return out
}

// scopes is who may do an action: whom a scope of theirs relates to the account. Those who are related to it as near are always within.
func scopes(action, near string) string {
	return strings.ReplaceAll("ACTION_all from organization or ("+near+" and ACTION_own from organization) or "+
		"(can_manage from owner and ACTION_reports from organization) or "+
		"(member from department and ACTION_department from organization) or "+
		"(overseer from department and ACTION_subtree from organization)", "ACTION", action)
}

const organization = "organization:acme"

// Taught has OpenFGA work out from roles and organisation what a user may do.
func Taught() *Engine {
	return &Engine{stated: stated{taught, chartered, "organization", organization}}
}

func chartered(w *workload.World, add add) {
	for i, x := range w.Users {
		me := user(workload.UserID(i))
		add(department(x.Department), "member", me)
		if x.Manager != workload.Nobody {
			add(me, "manager", user(x.Manager))
		}
		for _, r := range x.Roles {
			add(role(int(r)), "assignee", me)
		}
	}
	for i, parent := range w.Parents {
		if parent != workload.Nowhere {
			add(department(workload.DepartmentID(i)), "parent", department(parent))
		}
	}
	for i, r := range w.Roles {
		for do, widest := range r.Scopes {
			for s := workload.Own; s <= widest; s++ {
				add(organization, workload.Action(do).String()+"_"+s.String(), role(i)+"#assignee")
			}
		}
	}
}

func role(i int) string { return "role:" + strconv.Itoa(i) }
