package user

import (
	"slices"
	"strconv"

	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/phone"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/text"
)

// Draft is a user that somebody asks for. Text is normalised to NFC and trimmed; an empty text is no text.
//
//	name          1 to 100 code points
//	email         a legal address; of one user of the tenant only
//	phone         kept in E.164; without a country it is read in the tenant's region; of one user of the tenant only
//	employeeNo    to 32 code points; of one user of the tenant only
//	departmentId  the first post's department when absent
//	postIds       to 20; each brings its roles
//	managerId     a user of the tenant
//	roleIds       to 20
//	locale        zh-CN, zh-TW or en; the tenant's when absent
type Draft struct {
	ID         id.User // of the user to make; "" makes a fresh one
	Name       string
	Email      string
	Phone      string
	EmployeeNo string
	Department id.Department
	Posts      []id.Post
	Manager    id.User
	Roles      []id.Role
	Locale     string
}

// Patch is a merge patch of a user: a member that is absent stays, null empties it. Roles are changed by SetRoles only.
type Patch struct {
	Name       patch.Field[string]
	Email      patch.Field[string]
	Phone      patch.Field[string]
	EmployeeNo patch.Field[string]
	Department patch.Field[id.Department]
	Posts      patch.Field[[]id.Post]
	Manager    patch.Field[id.User]
	Locale     patch.Field[string]
}

// SelfPatch is what users may change of themselves.
type SelfPatch struct {
	Name   patch.Field[string]
	Email  patch.Field[string]
	Phone  patch.Field[string]
	Locale patch.Field[string]
}

func (p SelfPatch) patch() Patch {
	return Patch{Name: p.Name, Email: p.Email, Phone: p.Phone, Locale: p.Locale}
}

// patch gives the draft as a patch of the empty user: one set of rules serves both.
func (d *Draft) patch(row principal.Tenant) Patch {
	locale := d.Locale
	if locale == "" {
		locale = row.Settings.Locale
	}
	if locale == "" {
		locale = text.English
	}
	return Patch{
		Name: patch.Of(d.Name), Email: patch.Of(d.Email), Phone: patch.Of(d.Phone), EmployeeNo: patch.Of(d.EmployeeNo),
		Department: patch.Of(d.Department), Posts: patch.Of(d.Posts), Manager: patch.Of(d.Manager), Locale: patch.Of(locale),
	}
}

// ruled are the fields that rules of roles may name, as far as the patch would write them.
func (p *Patch) ruled() []string {
	var names []string
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"name", p.Name.Set}, {"email", p.Email.Set}, {"phone", p.Phone.Set}, {"employeeNo", p.EmployeeNo.Set},
	} {
		if f.set {
			names = append(names, f.name)
		}
	}
	return names
}

// apply writes the patch's members into the user, each by its rule, and gives all fields at fault.
func (p *Patch) apply(u *User, region string) []fault.Field {
	var bad []fault.Field
	words := func(to *string, f patch.Field[string], pointer string, r plain.Rule) {
		if !f.Set {
			return
		}
		s, at := plain.Check(pointer, f.Value, r)
		if at != nil {
			bad = append(bad, *at)
			return
		}
		*to = s
	}
	words(&u.Name, p.Name, "/name", plain.Rule{Min: 1, Max: MaxName})
	words(&u.EmployeeNo, p.EmployeeNo, "/employeeNo", plain.Rule{Max: MaxEmployeeNo})
	bad = append(bad, applyEmail(u, p.Email)...)
	bad = append(bad, applyPhone(u, p.Phone, region)...)
	if p.Locale.Set {
		if text.IsLocale(p.Locale.Value) {
			u.Locale = p.Locale.Value
		} else {
			bad = append(bad, fault.At("/locale", "invalid_locale"))
		}
	}
	if p.Department.Set {
		u.Department = p.Department.Value
	}
	if p.Manager.Set {
		u.Manager = p.Manager.Value
	}
	if p.Posts.Set {
		u.Posts = set(p.Posts.Value)
		bad = append(bad, tooMany("/postIds", len(u.Posts), MaxPosts)...)
	}
	return bad
}

// applyEmail replaces the address. Another one is another person's until it is verified.
func applyEmail(u *User, f patch.Field[string]) []fault.Field {
	if !f.Set {
		return nil
	}
	if f.Value == "" {
		return []fault.Field{fault.At("/email", "required")}
	}
	a, err := email.Parse(f.Value)
	if err != nil {
		return at("/email", err)
	}
	if a.Canonical != u.Canonical {
		u.EmailVerified = false
	}
	u.Email, u.Canonical = sealed.Text(a.Display), a.Canonical
	return nil
}

func applyPhone(u *User, f patch.Field[string], region string) []fault.Field {
	if !f.Set {
		return nil
	}
	var n phone.Number
	if f.Value != "" {
		var err error
		if n, err = phone.Parse(f.Value, region); err != nil {
			return at("/phone", err)
		}
	}
	if now := sealed.Text(n); now != u.Phone {
		u.Phone, u.PhoneVerified = now, false
	}
	return nil
}

// at gives the fields of a leaf's fault at the place where the value stood.
func at(pointer string, err error) []fault.Field {
	f := fault.Of(err)
	if len(f.Fields) == 0 {
		return []fault.Field{{Pointer: pointer, Code: f.Code, Args: f.Args}}
	}
	out := slices.Clone(f.Fields)
	for i := range out {
		out[i].Pointer = pointer + out[i].Pointer
	}
	return out
}

func tooMany(pointer string, n, limit int) []fault.Field {
	if n <= limit {
		return nil
	}
	return []fault.Field{fault.At(pointer, "too_many", "max", strconv.Itoa(limit))}
}

// set gives the ids in order, each once; nil for none.
func set[K ~string](ids []K) []K {
	if len(ids) == 0 {
		return nil
	}
	out := slices.Clone(ids)
	slices.Sort(out)
	return slices.Compact(out)
}
