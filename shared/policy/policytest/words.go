package policytest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
)

// short is an id as people say it: user 3.
func short[S ~string](s S) string {
	kind, number, ok := strings.Cut(string(s), "_")
	if !ok {
		return "nobody"
	}
	return kind + " " + strings.TrimLeft(number, "0")
}

func shorts[S ~string](all []S) string {
	var out []string
	for _, s := range all {
		out = append(out, short(s))
	}
	return strings.Join(out, ", ")
}

// String is the question in words.
func (q Question) String() string {
	return fmt.Sprintf("may %s %s.%s on %s?", short(q.User), q.Module, q.Action, short(q.Account))
}

// String says what was granted.
func (g RecordGrant) String() string {
	s := fmt.Sprintf("%s to %s %s", g.Kind, g.To.Kind, short(g.To.ID))
	if len(g.On) > 0 {
		s += fmt.Sprint(", on ", g.On)
	}
	if len(g.Off) > 0 {
		s += fmt.Sprint(", off ", g.Off)
	}
	if g.Superiors {
		s += ", superiors too"
	}
	if !g.Expires.IsZero() {
		s += ", until " + g.Expires.Format(time.DateTime)
	}
	return s
}

// String is the world in words, one thing a line.
func (w *World) String() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	fmt.Fprintf(&b, "world %d, change %d, at %s\n", w.Seed, w.Step, w.Now.Format(time.DateTime))
	if w.TenantStatus != "active" {
		line("the tenant is %s", w.TenantStatus)
	}
	for _, m := range w.ModulesOff {
		line("module %s is off", m)
	}
	for _, m := range slices.Sorted(maps.Keys(w.Defaults)) {
		line("default of %s: %s", m, w.Defaults[m])
	}
	for _, d := range w.Departments {
		line("%s%s%s", short(d.ID), if1(d.Parent, " under "), if1(d.Head, " headed by "))
	}
	for _, r := range w.Roles {
		var has []string
		for _, g := range r.Grants {
			has = append(has, fmt.Sprintf("%s.%s %s", g.Module, g.Action, g.Scope))
		}
		for _, f := range r.Fields {
			has = append(has, fmt.Sprintf("field %s.%s %s", f.Module, f.Field, f.Access))
		}
		line("%s: %s", short(r.ID), strings.Join(has, ", "))
	}
	for _, p := range w.Posts {
		line("%s in %s: %s", short(p.ID), short(p.Department), shorts(p.Roles))
	}
	for _, u := range w.Users {
		line("%s is %s%s%s, holds %s", short(u.ID), u.Status, if1(u.Department, " in "), if1(u.Manager, " reporting to "),
			strings.Trim(shorts(u.Posts)+", "+shorts(u.Roles), ", "))
	}
	for _, c := range w.Categories {
		line("%s", short(c.ID))
		for _, g := range c.Grants {
			line("  %s", RecordGrant{Kind: "opens", To: g.To, On: g.On, Superiors: g.Superiors})
		}
	}
	for _, a := range w.Accounts {
		line("%s %q of %s%s, %s, updated %s%s", short(a.ID), a.Name, short(a.Owner), if1(a.Department, " in "), a.Status,
			a.Updated.Format("15:04:05.000"), more(a))
		for _, g := range a.Grants {
			line("  %s", g)
		}
	}
	return b.String()
}

func if1[S ~string](s S, before string) string {
	if s == "" {
		return ""
	}
	return before + short(s)
}

func more(a Account) string {
	s := ""
	for field, value := range map[string]string{"type": a.Type, "valueTier": a.ValueTier, "stage": a.Stage} {
		if value != "" {
			s += ", " + field + " " + value
		}
	}
	if len(a.Categories) > 0 {
		s += ", of " + shorts(a.Categories)
	}
	if n := len(a.Contacts); n > 0 {
		s += fmt.Sprintf(", %d contacts", n)
	}
	return s
}

// pairs are the modules and actions that are asked about; two of them no permission is declared for.
var pairs = []struct {
	Module policy.Module
	Action policy.Action
}{
	{policy.ModAccount, policy.View},
	{policy.ModAccount, policy.Update},
	{policy.ModAccount, policy.Delete},
	{policy.ModAccount, policy.Transfer},
	{policy.ModAccount, policy.Share},
	{policy.ModAccount, policy.Export},
	{policy.ModAccount, policy.Reveal},
	{policy.ModContact, policy.View},
	{policy.ModContact, policy.Create},
	{policy.ModContact, policy.Update},
	{policy.ModContact, policy.Delete},
	{policy.ModNote, policy.View},
	{policy.ModNote, policy.Comment},
	{policy.ModNote, policy.Export},
	{policy.ModContact, policy.Transfer},
}

// fieldsOf are the fields that are asked about, and that rules name.
var fieldsOf = map[policy.Module][]string{
	policy.ModAccount: {
		"name", "type", "valueTier", "stage", "email", "phone", "idNumber", "address", "address.city", "ownerId", "departmentId",
		"categoryIds", "contacts",
	},
	policy.ModContact: {"name", "title", "email", "phone", "idNumber"},
}

// nowhere is an account that is in no world.
var nowhere = name[id.Account](99999)
