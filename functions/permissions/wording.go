package permissions

import (
	"slices"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/text"
)

// wording puts explanations into the words of who asks, and leaves out what that person's roles hide.
type wording struct {
	locale string
	who    *policy.Subject
	roles  map[id.Role]string
}

func (w *wording) say(code string, args map[string]string) string {
	return text.Say(w.locale, "explain."+code, args)
}

// word is a word of the program in the language: scope.own, module.account; itself when the catalogue has none, as for what does not exist.
func (w *wording) word(kind, word string) string {
	if code := kind + "." + word; text.Known(code) {
		return text.Say(w.locale, code, nil)
	}
	return word
}

func (w *wording) words(kind string, all []string) string {
	var out []string
	for _, x := range all {
		out = append(out, w.word(kind, x))
	}
	return strings.Join(out, w.word("explain", "and"))
}

// shows reports whether the roles of who asks show them the field of accounts.
func (w *wording) shows(field string) bool {
	return w.who.Field(policy.ModAccount, policy.View, field).AtLeast(policy.Read)
}

// placed reports whether who asks may know whose a record of the module is and where it lies, which the scope that reaches it would tell.
func (w *wording) placed(m policy.Module) bool {
	return m == policy.ModUser || w.shows("ownerId") && w.shows("departmentId")
}

func (w *wording) explanation(s *policy.Subject, qs []policy.Question, f policy.Facts) explanation {
	last := qs[len(qs)-1]
	e := policy.Explain(s, last, f)
	out := explanation{explained: w.explained(last, &e), Final: e.Final, Fix: []fix{}}
	fixes := e.Fixes
	if len(qs) > 1 {
		within := policy.Explain(s, qs[0], f)
		x := w.explained(qs[0], &within)
		out.Account = &x
		if out.Allowed && !x.Allowed {
			out.Allowed, out.Rule, out.Decided, out.Text = false, x.Rule, "account", w.say("account.denied", nil)
		}
		if out.Final = out.Final || within.Final; !out.Final {
			fixes = policy.Fixes(s, f, qs...)
		}
	}
	if out.Final {
		out.Text += " " + w.say("final", nil)
		fixes = nil
	}
	for _, way := range fixes {
		if last.On != nil && !w.placed(last.Module) && slices.ContainsFunc(way, func(c policy.Change) bool { return c.Scope != policy.None }) {
			continue
		}
		var one fix
		for _, c := range way {
			one.Changes = append(one.Changes, w.step(c))
		}
		out.Fix = append(out.Fix, one)
	}
	return out
}

func (w *wording) explained(q policy.Question, e *policy.Explanation) explained {
	out := explained{
		Module: string(q.Module), Action: string(q.Action), Allowed: e.Allowed, Rule: e.Rule, Decided: string(e.Decided),
	}
	for i := range e.Layers {
		l := w.layer(q, &e.Layers[i])
		if e.Layers[i].Name == e.Decided {
			out.Text = l.Text
		}
		out.Layers = append(out.Layers, l)
	}
	return out
}

func (w *wording) layer(q policy.Question, l *policy.Layer) layer {
	out := layer{Layer: string(l.Name), Rule: l.Rule, Verdict: string(l.Verdict), Reasons: l.Reasons, Others: l.Others, Default: string(l.Default)}
	args := map[string]string{"module": w.word("module", string(q.Module)), "action": w.word("action", string(q.Action))}
	switch l.Name {
	case policy.LayerScope:
		out.Held, out.Needs, out.Line, out.Path = wordOf(l.Scope.Held), wordOf(l.Scope.Needs), l.Scope.Line, l.Scope.Path
		args["held"], args["needs"] = w.word("scope", l.Scope.Held.String()), w.word("scope", l.Scope.Needs.String())
		if !w.placed(q.Module) {
			out.Needs, out.Line, out.Path = "", nil, nil
			args["needs"] = w.word("explain", "not_shown")
		}
	case policy.LayerDefault:
		args["default"] = w.word("default", string(l.Default))
	case policy.LayerField:
		out.Field, out.Access, out.Sensitive = l.Field, string(l.Access), l.Sensitive
		args["field"], args["access"] = l.Field, w.word("access", string(l.Access))
	case policy.LayerCategories:
		if !w.shows("categoryIds") {
			out.Others = 0
			break
		}
		for _, c := range l.Categories {
			out.Categories = append(out.Categories, categoryFact{c.Category, w.grants("category", c.Grants)})
		}
	}
	for _, r := range l.Roles {
		out.Roles = append(out.Roles, roleFact{
			ID: r.ID, Name: r.Name, Version: r.Version, Direct: r.Direct, Posts: r.Posts, Scope: wordOf(r.Scope), Access: string(r.Access), Rule: r.Rule,
		})
	}
	out.Grants = w.grants("", l.Grants)
	out.Text = w.say(string(l.Name)+"."+string(l.Verdict), args)
	if len(l.Reasons) > 0 {
		out.Text = w.say("reason."+string(l.Reasons[0]), nil)
	}
	return out
}

func (w *wording) grants(kind string, all []policy.GrantFact) (out []grantFact) {
	for _, g := range all {
		x := grantFact{
			Kind: kind, To: account.NamedBy(g.To), On: actsOf(g.On), Off: actsOf(g.Off), Superiors: g.Superiors,
			As: string(g.As), Through: g.Through, State: string(g.State), Speaks: g.Speaks,
		}
		if kind == "" {
			x.Kind = string(g.Kind)
		}
		if g.Expires != 0 {
			x.ExpiresAt = time.Unix(g.Expires, 0).UTC()
		}
		out = append(out, x)
	}
	return out
}

func (w *wording) step(c policy.Change) step {
	out := step{
		Kind: string(c.Kind), Role: c.Role, Name: w.roles[c.Role], Module: string(c.Module), Action: string(c.Action), Scope: wordOf(c.Scope),
		Field: c.Field, Access: string(c.Access), Acts: actsOf(c.Acts), Default: string(c.Default),
	}
	if c.To != "" {
		to := account.NamedBy(c.To)
		out.To = &to
	}
	code := out.Kind
	switch {
	case c.Kind == policy.ShareRecord && c.Acts == policy.ActsOf("read"):
		out.Level, out.Acts = "read", nil
	case c.Kind == policy.ShareRecord:
		out.Level, out.Acts = "edit", nil
	case c.Kind == policy.SetField && c.Role == "":
		code = "set_field_new"
	}
	out.Text = w.say("fix."+code, map[string]string{
		"role": out.Name, "module": w.word("module", out.Module), "action": w.word("action", out.Action), "scope": w.word("scope", out.Scope),
		"field": out.Field, "access": w.word("access", out.Access), "default": w.word("default", out.Default),
		"acts": w.words("action", actsOf(c.Acts)),
	})
	return out
}
