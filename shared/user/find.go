package user

import (
	"context"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/phone"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/table"
)

// Count counts the users whom the subject may view and the filter holds. A count that is not exact stopped at what it says.
func (s *Store) Count(ctx context.Context, who *policy.Subject, f Filter) (n int, exact bool, err error) {
	if f == (Filter{}) && policy.May(who, policy.ModUser, policy.View) == policy.All {
		return who.Org.Users, true, nil
	}
	for after := ""; n < maxCount; {
		page, err := s.List(ctx, who, f, after, table.MaxGet)
		if err != nil {
			return 0, false, err
		}
		n += len(page.Users)
		if after = page.Next; after == "" {
			return n, true, nil
		}
	}
	return n, false, nil
}

// maxCount is where counting stops.
const maxCount = 5000

// Get reads a user whom the subject may view. A deleted user is NotFound.
func (s *Store) Get(ctx context.Context, who *policy.Subject, u id.User) (User, error) {
	r, err := s.sight(ctx, who, u, policy.View)
	if err != nil {
		return User{}, err
	}
	return r.User, nil
}

// ByEmail finds the user who signs in with the address. NotFound not_found when the tenant has none.
func (s *Store) ByEmail(ctx context.Context, t id.Tenant, a email.Address) (User, error) {
	return s.by(ctx, t, "email", a.Canonical)
}

// ByPhone finds the user who has the number. NotFound not_found when the tenant has none.
func (s *Store) ByPhone(ctx context.Context, t id.Tenant, n phone.Number) (User, error) {
	return s.by(ctx, t, "phone", string(n))
}

func (s *Store) by(ctx context.Context, t id.Tenant, field, value string) (User, error) {
	tk, err := s.crypt.Tenant(ctx, t)
	if err != nil {
		return User{}, err
	}
	items, err := s.table.Get(ctx, guard(tk, t, field, value))
	if err != nil {
		return User{}, err
	}
	if len(items) == 0 {
		return User{}, notFound()
	}
	var h holder
	if err := json.Unmarshal(items[0].Doc, &h); err != nil {
		return User{}, fault.New(fault.Internal, "internal").Because(err)
	}
	return s.Load(ctx, t, h.User)
}

// Filter narrows a list. Zero members do not narrow.
type Filter struct {
	Status     principal.UserStatus
	Department id.Department
}

// Page is a part of a list: users by name, and where the next part begins; "" is the end. A page may hold fewer users than were asked
// for and still have a next.
type Page struct {
	Users []User
	Next  string
}

// maxWalk bounds how many rows one page looks at.
const maxWalk = 2000

// List gives the users whom the subject may view, in the order of their names. The index nominates, a strong read of each user decides.
func (s *Store) List(ctx context.Context, who *policy.Subject, f Filter, after string, limit int) (Page, error) {
	if err := policy.RequireAny(who, policy.ModUser, policy.View); err != nil {
		return Page{}, err
	}
	tk, err := s.reading(ctx, who.Tenant)
	if err != nil {
		return Page{}, err
	}
	reach := policy.ReachOf(who, policy.ModUser, policy.View)
	if reach.All {
		return s.walk(ctx, who, f, after, limit)
	}
	ids, err := s.candidates(ctx, who.Tenant, reach)
	if err != nil {
		return Page{}, err
	}
	var found []User
	for part := range slices.Chunk(ids, table.MaxGet) {
		keys := make([]table.Key, len(part))
		for i, u := range part {
			keys[i] = key.User(who.Tenant, u)
		}
		items, err := s.table.Get(ctx, keys...)
		if err != nil {
			return Page{}, err
		}
		for _, it := range items {
			u, err := open(tk, it)
			if err != nil {
				return Page{}, err
			}
			if f.holds(who, &u) && position(&u) > after {
				found = append(found, u)
			}
		}
	}
	slices.SortFunc(found, func(a, b User) int { return strings.Compare(position(&a), position(&b)) })
	if len(found) <= limit {
		return Page{Users: found}, nil
	}
	return Page{Users: found[:limit], Next: position(&found[limit-1])}, nil
}

// reading gives the tenant's key, or nil when it is disabled: then users are opened locked.
func (s *Store) reading(ctx context.Context, t id.Tenant) (*crypt.TenantKey, error) {
	tk, err := s.crypt.Tenant(ctx, t)
	if fault.IsKind(err, fault.Locked) {
		return nil, nil
	}
	return tk, err
}

// walk lists by the tenant's index of names.
func (s *Store) walk(ctx context.Context, who *policy.Subject, f Filter, after string, limit int) (Page, error) {
	tk, err := s.reading(ctx, who.Tenant)
	if err != nil {
		return Page{}, err
	}
	q := table.Query{Index: table.G1, PK: key.UsersByName(who.Tenant, "", "").PK, Limit: table.MaxGet}
	if after != "" {
		q.From = after + "\x00" // the next possible key
	}
	var out Page
	last := ""
	for walked := 0; walked < maxWalk; {
		page, err := s.table.Query(ctx, q)
		if err != nil {
			return Page{}, err
		}
		byKey, err := s.whole(ctx, page.Items)
		if err != nil {
			return Page{}, err
		}
		for _, candidate := range page.Items {
			out.Next = candidate.At.SK
			it, ok := byKey[candidate.Key]
			if !ok {
				continue
			}
			u, err := open(tk, it)
			if err != nil {
				return Page{}, err
			}
			if !f.holds(who, &u) {
				continue
			}
			if len(out.Users) == limit {
				out.Next = last
				return out, nil
			}
			out.Users, last = append(out.Users, u), candidate.At.SK
		}
		walked += len(page.Items)
		if q.Cursor = page.Cursor; page.Cursor == "" {
			out.Next = ""
			return out, nil
		}
	}
	return out, nil
}

// whole reads candidates strongly.
func (s *Store) whole(ctx context.Context, candidates []table.Item) (map[table.Key]table.Item, error) {
	keys := make([]table.Key, len(candidates))
	for i, it := range candidates {
		keys[i] = it.Key
	}
	out := make(map[table.Key]table.Item, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	items, err := s.table.Get(ctx, keys...)
	for _, it := range items {
		out[it.Key] = it
	}
	return out, err
}

// candidates are the users whom a reach short of the whole tenant may hold, each once.
func (s *Store) candidates(ctx context.Context, t id.Tenant, reach policy.Reach) ([]id.User, error) {
	ids := slices.Clone(reach.Owners)
	for _, d := range reach.Departments {
		of := key.UsersOf(t, d, "")
		err := s.each(ctx, table.Query{Index: table.G3, PK: of.PK, Prefix: of.SK, Limit: 1000}, func(it table.Item) error {
			ids = append(ids, id.User(strings.TrimPrefix(it.At.SK, of.SK)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return set(ids), nil
}

// holds reports whether the user belongs in the list.
func (f Filter) holds(who *policy.Subject, u *User) bool {
	return u.Status != principal.UserDeleted &&
		(f.Status == "" || u.Status == f.Status) && (f.Department == "" || u.Department == f.Department) &&
		policy.Decide(who, policy.ModUser, policy.View, u.resource()).Allowed
}

// position is where the user stands in the order of names.
func position(u *User) string { return key.UsersByName(u.Tenant, plain.Key(u.Name), u.ID).SK }
