package user

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/table"
)

// doc is the plain part of a user's item. Access reads its Standing on each request.
type doc struct {
	principal.Standing
	Tenant        id.Tenant   `json:"tenantId"`
	Name          string      `json:"name"`
	EmailVerified bool        `json:"emailVerified"`
	PhoneVerified bool        `json:"phoneVerified"`
	EmployeeNo    string      `json:"employeeNo,omitzero"`
	Invitation    id.Message  `json:"invitationId,omitzero"`
	InvitedAt     time.Time   `json:"invitedAt,omitzero"`
	MailFailed    MailFailure `json:"mailFailed,omitzero"`
	CreatedAt     time.Time   `json:"createdAt"`
	UpdatedAt     time.Time   `json:"updatedAt"`
}

// holder is the document of a unique guard and of a role's edge.
type holder struct {
	User id.User `json:"userId"`
}

// Members of the sealed group. A tag is never given another meaning.
const (
	tagEmail     = 1 // as people read it
	tagCanonical = 2
	tagPhone     = 3
)

func contactPlace(u id.User) crypt.Place {
	return crypt.Place{Record: string(u), Item: "USER", Path: "contact", Schema: 1}
}

func historyPlace(u id.User) crypt.Place {
	return audit.Place(string(u))
}

// historyKey is where the key of the user's history lies: among the accounts' keys, where an id of a user stands for itself.
func historyKey(t id.Tenant, u id.User) table.Key { return key.AccountKey(t, id.Account(u)) }

// loaded is a user as read, with what is needed to write again.
type loaded struct {
	User
	tenant  *crypt.TenantKey
	history *crypt.AccountKey // nil once the user is deleted
	locked  error             // why there are no keys, or nil
}

func read(it table.Item) (doc, error) {
	var d doc
	if err := json.Unmarshal(it.Doc, &d); err != nil {
		return doc{}, fault.New(fault.Internal, "internal").Because(err)
	}
	return d, nil
}

// row is look for a change, which needs the keys: without them it is Locked key_unavailable.
func (s *Store) row(ctx context.Context, t id.Tenant, u id.User) (*loaded, error) {
	r, err := s.look(ctx, t, u)
	if err != nil {
		return nil, err
	}
	return r, r.locked
}

// look reads one user strongly.
func (s *Store) look(ctx context.Context, t id.Tenant, u id.User) (*loaded, error) {
	items, err := s.table.Get(ctx, key.User(t, u), historyKey(t, u))
	if err != nil {
		return nil, err
	}
	if len(items) == 0 || items[0].Key != key.User(t, u) {
		return nil, notFound()
	}
	r := &loaded{}
	if r.tenant, err = s.crypt.Tenant(ctx, t); fault.IsKind(err, fault.Locked) {
		r.locked = err
	} else if err != nil {
		return nil, err
	}
	if r.User, err = open(r.tenant, items[0]); err != nil {
		return nil, err
	}
	if len(items) == 2 && r.locked == nil {
		if r.history, err = r.tenant.OpenAccount(id.Account(u), items[1]); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// open makes a user of an item. Without a key the addresses are locked.
func open(tk *crypt.TenantKey, it table.Item) (User, error) {
	d, err := read(it)
	if err != nil {
		return User{}, err
	}
	t, _ := key.TenantOf(it.PK)
	u := User{
		Standing: d.Standing, ID: d.User, Tenant: t, Name: d.Name, EmailVerified: d.EmailVerified, PhoneVerified: d.PhoneVerified,
		EmployeeNo: d.EmployeeNo, Invitation: d.Invitation, InvitedAt: d.InvitedAt, MailFailed: d.MailFailed, CreatedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		Version: it.Version,
	}
	if len(it.Sealed) == 0 {
		return u, nil
	}
	if tk == nil {
		u.Email, u.Phone = sealed.Locked, sealed.Locked
		return u, nil
	}
	b, err := tk.Open(contactPlace(u.ID), it.Sealed)
	if err != nil {
		return User{}, err
	}
	members, err := crypt.Unpack(b)
	if err != nil {
		return User{}, err
	}
	for _, m := range members {
		switch m.Tag {
		case tagEmail:
			u.Email = sealed.Text(m.Value)
		case tagCanonical:
			u.Canonical = string(m.Value)
		case tagPhone:
			u.Phone = sealed.Text(m.Value)
		}
	}
	return u, nil
}

// item makes an item of a user. A deleted user stands in no index.
func (u *User) item(tk *crypt.TenantKey) (table.Item, error) {
	b, err := json.Marshal(doc{
		Standing: u.Standing, Tenant: u.Tenant, Name: u.Name, EmailVerified: u.EmailVerified, PhoneVerified: u.PhoneVerified,
		EmployeeNo: u.EmployeeNo, Invitation: u.Invitation, InvitedAt: u.InvitedAt, MailFailed: u.MailFailed, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}, json.Deterministic(true))
	if err != nil {
		return table.Item{}, fault.New(fault.Internal, "internal").Because(err)
	}
	it := table.Item{Key: key.User(u.Tenant, u.ID), Doc: b}
	if u.Status == principal.UserDeleted {
		return it, nil
	}
	it.Index = map[table.Index]table.IndexKey{table.G1: key.UsersByName(u.Tenant, plain.Key(u.Name), u.ID)}
	if u.Department != "" {
		it.Index[table.G3] = key.UsersOf(u.Tenant, u.Department, u.ID)
	}
	group := []crypt.Member{{Tag: tagEmail, Value: []byte(u.Email)}, {Tag: tagCanonical, Value: []byte(u.Canonical)}}
	if u.Phone != "" {
		group = append(group, crypt.Member{Tag: tagPhone, Value: []byte(u.Phone)})
	}
	it.Sealed, err = tk.Seal(contactPlace(u.ID), crypt.Pack(group))
	return it, err
}

// put stages everything that changes with the user, and the event. was is nil for a new one.
func (s *Store) put(c *change.Set, r *loaded, was *User, action string) error {
	now := &r.User
	if was == nil {
		was = &User{}
	} else {
		now.UpdatedAt = moment(c.Now, was.UpdatedAt)
	}
	if was.Department != "" && was.Department != now.Department && now.Status != principal.UserDeleted {
		now.Moved = true
	}
	it, err := now.item(r.tenant)
	if err != nil {
		return err
	}
	condition := table.VersionIs(was.Version)
	if was.Version == 0 {
		condition = table.Absent
	}
	c.Put(it, condition, nil)
	if err := putPlace(c, was, now); err != nil {
		return err
	}
	if err := putGuards(c, r.tenant, was, now); err != nil {
		return err
	}
	if err := putEdges(c, was, now); err != nil {
		return err
	}
	if err := r.record(c, was, action); err != nil {
		return err
	}
	now.Version = was.Version + 1
	return nil
}

// putPlace keeps the organisation's copy of the place equal to the user's own.
func putPlace(c *change.Set, was, now *User) error {
	k := key.Place(now.Tenant, now.ID)
	if now.Status == principal.UserDeleted {
		c.Delete(k, table.Always, nil)
		return nil
	}
	if was.Version != 0 && samePlace(was.Place, now.Place) {
		return nil
	}
	return putDoc(c, k, now.Place, table.Always, nil)
}

func samePlace(a, b principal.Place) bool {
	return a.User == b.User && a.Department == b.Department && a.Manager == b.Manager && a.Active == b.Active &&
		slices.Equal(a.Posts, b.Posts) && slices.Equal(a.Roles, b.Roles)
}

// guarded are the values that only one user of a tenant may have.
var guarded = []struct {
	field, taken, pointer string
	value                 func(*User) string
}{
	{"email", "email_taken", "/email", func(u *User) string { return u.Canonical }},
	{"phone", "phone_taken", "/phone", func(u *User) string { return string(u.Phone) }},
	{"employeeNo", "employee_no_taken", "/employeeNo", func(u *User) string { return plain.Fold(u.EmployeeNo) }},
}

// guard is the key of the guard of one value.
func guard(tk *crypt.TenantKey, t id.Tenant, field, value string) table.Key {
	return key.Unique(t, field, tk.Blind("user."+field, value))
}

// putGuards takes the values that are new and gives back those that are no longer the user's.
func putGuards(c *change.Set, tk *crypt.TenantKey, was, now *User) error {
	for _, g := range guarded {
		old, next := g.value(was), g.value(now)
		if old == next {
			continue
		}
		if old != "" {
			c.Delete(guard(tk, now.Tenant, g.field, old), table.Always, nil) // theirs as long as the user's version holds
		}
		if next != "" {
			taken := fault.New(fault.Conflict, g.taken).With(fault.At(g.pointer, g.taken))
			if err := putDoc(c, guard(tk, now.Tenant, g.field, next), holder{now.ID}, table.Absent, taken); err != nil {
				return err
			}
		}
	}
	return nil
}

// putEdges keeps an edge for each role that the user holds directly.
func putEdges(c *change.Set, was, now *User) error {
	for _, r := range was.Roles {
		if !slices.Contains(now.Roles, r) {
			c.Delete(key.RoleMember(now.Tenant, r, now.ID), table.Always, nil)
		}
	}
	for _, r := range now.Roles {
		if !slices.Contains(was.Roles, r) {
			if err := putDoc(c, key.RoleMember(now.Tenant, r, now.ID), holder{now.ID}, table.Always, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func putDoc(c *change.Set, k table.Key, v any, cond table.Cond, otherwise error) error {
	b, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	c.Put(table.Item{Key: k, Doc: b}, cond, otherwise)
	return nil
}

// snapshot is a user as the history keeps them.
type snapshot struct {
	Name          string               `json:"name,omitzero"`
	Email         string               `json:"email,omitzero"`
	EmailVerified bool                 `json:"emailVerified,omitzero"`
	Phone         string               `json:"phone,omitzero"`
	PhoneVerified bool                 `json:"phoneVerified,omitzero"`
	EmployeeNo    string               `json:"employeeNo,omitzero"`
	Department    id.Department        `json:"departmentId,omitzero"`
	Posts         []id.Post            `json:"postIds,omitempty"`
	Manager       id.User              `json:"managerId,omitzero"`
	Roles         []id.Role            `json:"roleIds,omitempty"`
	Status        principal.UserStatus `json:"status,omitzero"`
	Locale        string               `json:"locale,omitzero"`
	SessionsAfter time.Time            `json:"sessionsAfter,omitzero"`
	InvitedAt     time.Time            `json:"invitedAt,omitzero"`
	MailFailed    MailFailure          `json:"mailFailed,omitzero"`
}

func (u *User) snapshot() snapshot {
	return snapshot{
		Name: u.Name, Email: string(u.Email), EmailVerified: u.EmailVerified, Phone: string(u.Phone), PhoneVerified: u.PhoneVerified,
		EmployeeNo: u.EmployeeNo, Department: u.Department, Posts: u.Posts, Manager: u.Manager, Roles: u.Roles, Status: u.Status,
		Locale: u.Locale, SessionsAfter: u.SessionsAfter, InvitedAt: u.InvitedAt, MailFailed: u.MailFailed,
	}
}

// changed names the fields in which b differs from a.
func changed(a, b *User) []string {
	var names []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"name", a.Name == b.Name},
		{"email", a.Email == b.Email},
		{"emailVerified", a.EmailVerified == b.EmailVerified},
		{"phone", a.Phone == b.Phone},
		{"phoneVerified", a.PhoneVerified == b.PhoneVerified},
		{"employeeNo", a.EmployeeNo == b.EmployeeNo},
		{"departmentId", a.Department == b.Department},
		{"postIds", slices.Equal(a.Posts, b.Posts)},
		{"managerId", a.Manager == b.Manager},
		{"roleIds", slices.Equal(a.Roles, b.Roles)},
		{"status", a.Status == b.Status},
		{"locale", a.Locale == b.Locale},
		{"sessionsAfter", a.SessionsAfter.Equal(b.SessionsAfter) && a.SessionKept.Session == b.SessionKept.Session},
		{"invitedAt", a.InvitedAt.Equal(b.InvitedAt)},
		{"mailFailed", a.MailFailed.Kind == b.MailFailed.Kind && a.MailFailed.At.Equal(b.MailFailed.At)},
	} {
		if !f.same {
			names = append(names, f.name)
		}
	}
	return names
}

// record stages the event of the change. After a deletion there is nothing left to seal under, and nothing that should be.
func (r *loaded) record(c *change.Set, was *User, action string) error {
	e := audit.Event{Action: action, Target: string(r.ID), Fields: changed(was, &r.User)}
	b, err := json.Marshal(map[string]snapshot{"before": was.snapshot(), "after": r.snapshot()}, json.Deterministic(true))
	if err != nil {
		return fault.New(fault.Internal, "internal").Because(err)
	}
	if r.history != nil && r.Status != principal.UserDeleted {
		if e.Sealed, err = r.history.Seal(historyPlace(r.ID), b); err != nil {
			return err
		}
	}
	e.Digest = r.tenant.Digest(b)
	c.Record(e)
	return nil
}

// moment is the time of a change as it is kept: milliseconds, and never before the last one.
func moment(now, last time.Time) time.Time {
	now = now.UTC().Truncate(time.Millisecond)
	if now.Before(last) {
		return last
	}
	return now
}
