// Package account keeps the customers of a tenant: who they are, how to reach them, who is responsible for them, and the people at each
// of them (contacts). It owns their rules, their stored form and the order in which they are listed.
//
// An account takes three shapes. A Draft is what somebody asked for: nothing in it is trusted. An Account is what the rules let through,
// and what a reader is shown, less the fields that their roles hide. An item is what the table keeps: names, address and classification in
// plain; e-mail, phone and id number sealed in one group under the account's own random key, with blind indexes to find them by.
//
// The package refuses to know HTTP, what a role is (policy decides), how a user is kept (Owners answers), and how a change is committed:
// every operation stages into a change.Set and has no other effect, so it may be run again.
//
// Rights. Each operation is judged on the account as it is stored, by policy: view to see, create, edit to change, deactivate and
// reactivate. Naming somebody else as owner at creation needs account.transfer on the new account besides account.create, because it
// hands out responsibility; and the new account must lie within the scope of account.create. Opening an account to others and closing it
// takes account.share and every act that is given or taken (Give); another owner takes account.transfer (SetOwner, Assign). Contacts have
// grants of their own in the module contact and are visible with their account and never without it.
//
// Locked. When the tenant's key is disabled, whoever may see an account or a contact still reads its plain fields; each sealed field of
// one that has any is sealed.Locked, because which of them hold something is sealed too, and masked is locked as well. Every change needs
// the key and is Locked key_unavailable.
//
// Required fields. A name always; the rest by the tenant's setting requiredAccountFields (RequiredByDefault when the tenant has never set
// it). A field that becomes required later does not break the reading of older accounts: the next change has to fill it, unless the
// person who changes may not write that field.
package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/sealed"
	"github.com/steward-crm/steward/shared/table"
)

// Limits of an account. Lengths of text are in code points, in draft.go.
const (
	MaxContacts       = 500        // of one account
	MaxInlineContacts = 30         // in the body that creates it, less its categories: each takes up to three writes of the commit's hundred
	MaxCategories     = 10         // of one account
	MaxSize           = 256 * 1024 // bytes that an account and its contacts take in the table
)

// viewAccount is what lists ask of every row.
var viewAccount = policy.PermissionOf(policy.ModAccount, policy.View)

// Status says whether the tenant still works with the customer. A deactivated account keeps all its data and can be read; it cannot be
// changed until it is active again.
type Status string

// The statuses.
const (
	Active   Status = "active"
	Inactive Status = "inactive"
)

// Standard is the one protection there is: e-mail, phone and id number are sealed.
const Standard = "standard"

// The classifications. Each may be left out, and is then absent.
var (
	Types      = []string{"enterprise", "individual"}
	ValueTiers = []string{"high", "medium", "low"}
	Stages     = []string{"potential", "buying", "loyal"}
)

// RequiredByDefault are the fields that an account must have in a tenant that never chose. Requirable are all that a tenant may choose from.
var (
	RequiredByDefault = []string{"name", "email", "phone"}
	Requirable        = []string{
		"name", "type", "valueTier", "stage", "email", "phone", "address", "website", "industry", "idNumber", "departmentId",
	}
)

// Account is a customer. As an answer it holds what the reader may see: a hidden field is as absent as an empty one.
type Account struct {
	ID           id.Account    `json:"id"`
	Version      int64         `json:"version"`
	Status       Status        `json:"status"`
	Name         string        `json:"name,omitzero"`
	Type         string        `json:"type,omitzero"`
	ValueTier    string        `json:"valueTier,omitzero"`
	Stage        string        `json:"stage,omitzero"`
	Email        sealed.Text   `json:"email,omitzero"` // as people read it
	Phone        sealed.Text   `json:"phone,omitzero"` // E.164
	IDNumber     sealed.Text   `json:"idNumber,omitzero"`
	Address      Address       `json:"address,omitzero"`
	Website      string        `json:"website,omitzero"`
	Industry     string        `json:"industry,omitzero"`
	Owner        id.User       `json:"ownerId,omitzero"`
	Department   id.Department `json:"departmentId,omitzero"`
	Categories   Categories    `json:"categoryIds,omitzero"`
	Protection   string        `json:"protection,omitzero"`
	CreatedAt    time.Time     `json:"createdAt"`
	CreatedBy    id.User       `json:"createdBy,omitzero"`
	UpdatedAt    time.Time     `json:"updatedAt"` // of the last change of data, contacts included; a change of status is none
	ContactCount int           `json:"contactCount,omitzero"`
	Contacts     []Contact     `json:"contacts,omitzero"` // the first ContactsShown, when one account is read and its contacts may be seen
	Team         []Grant       `json:"team,omitzero"`     // the first TeamShown, when one account is read

	mail    string     // the e-mail as machines compare it
	settled bool       // see settle; set when the account is written
	primary id.Contact // one of the contacts, when there are any
	size    int        // bytes of the contacts in the table
	grants  []policy.RecordGrant
	more    int                  // grants beyond those, which only their own items hold
	rest    []policy.RecordGrant // those, when they were read
}

// ContactsShown is how many contacts an account is shown with; the rest are listed page by page.
const ContactsShown = 50

// TeamShown is how many members of the team an account is shown with; the rest are listed page by page.
const TeamShown = 50

// Address is where an account is. Each part may be left out.
type Address struct {
	Country    string `json:"country,omitzero"` // ISO 3166-1 alpha-2
	Region     string `json:"region,omitzero"`
	City       string `json:"city,omitzero"`
	Street     string `json:"street,omitzero"`
	PostalCode string `json:"postalCode,omitzero"`
}

// Contact is a person at an account. Exactly one of an account's contacts is the primary one.
type Contact struct {
	ID        id.Contact  `json:"id"`
	Account   id.Account  `json:"accountId"`
	Version   int64       `json:"version"`
	Primary   *bool       `json:"primary,omitzero"`
	Name      string      `json:"name,omitzero"`
	Title     string      `json:"title,omitzero"`
	Email     sealed.Text `json:"email,omitzero"`
	Phone     sealed.Text `json:"phone,omitzero"`
	CreatedAt time.Time   `json:"createdAt"`
	UpdatedAt time.Time   `json:"updatedAt"`

	mail string
}

// Owners tells who may be responsible for an account. Owner answers the user's department ("" for none) when the user is active; else
// Invalid invalid_owner for a user that the tenant does not have, or Conflict owner_not_active for one that is invited or deactivated.
type Owners interface {
	Owner(ctx context.Context, t id.Tenant, u id.User) (id.Department, error)
}

// Filing tells which categories there are to put accounts into. Usable answers which of the ids, each given once, the tenant does not have,
// and which the subject may not use.
type Filing interface {
	Usable(ctx context.Context, who *policy.Subject, ids []id.Category) (unknown, closed []id.Category, err error)
}

// Accounts are the accounts of all tenants. Safe for concurrent use.
type Accounts struct {
	table  table.Table
	crypt  *crypt.Crypt
	access *access.Access
	owners Owners
	filing Filing
	feed   table.Feed // nil: counts are as of the counters
	few    int        // accounts that are counted by their index entries where the counters may lag
	shelf  *shelf
	tail   *tail
}

// New returns the accounts that lie in the table, sealed by k. x answers what a switch would do to others.
func New(t table.Table, k *crypt.Crypt, x *access.Access, o Owners) *Accounts {
	return &Accounts{table: t, crypt: k, access: x, owners: o, few: few, shelf: newShelf(maxKeptTallies), tail: &tail{}}
}

// Filed gives the same accounts, which can be put into the categories that f knows; without it there are none.
func (s *Accounts) Filed(f Filing) *Accounts {
	with := *s
	with.filing = f
	return &with
}

// Categories are the ids of an account's categories, in order, joined by commas: text like every other field, so that one set of rules
// serves all. In JSON they are an array.
type Categories string

// IDs are the categories.
func (c Categories) IDs() []id.Category {
	if c == "" {
		return nil
	}
	parts := strings.Split(string(c), ",")
	out := make([]id.Category, len(parts))
	for i, p := range parts {
		out[i] = id.Category(p)
	}
	return out
}

// CategoriesOf joins ids, each once.
func CategoriesOf(ids []id.Category) Categories {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	var b strings.Builder
	for i, c := range slices.Compact(ids) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(string(c))
	}
	return Categories(b.String())
}

// MarshalJSONTo writes the array.
func (c Categories) MarshalJSONTo(e *jsontext.Encoder) error { return json.MarshalEncode(e, c.IDs()) }

// UnmarshalJSONFrom reads the array.
func (c *Categories) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var ids []id.Category
	err := json.UnmarshalDecode(d, &ids)
	*c = CategoriesOf(ids)
	return err
}

// resource is the account as decisions see it. Grants that overflowed must have been gathered.
func (a *Account) resource(t id.Tenant) policy.Resource {
	r := policy.Resource{Tenant: t, Owner: a.Owner, Department: a.Department, Categories: a.Categories.IDs(), Grants: a.grants}
	if len(a.rest) > 0 {
		r.Grants = slices.Concat(a.grants, a.rest)
	}
	return r
}

func notFound() error { return fault.New(fault.NotFound, "not_found") }

// unchangeable refuses to change an account that is deactivated: what comes back on the day it is reactivated is what was put away.
func (a *Account) unchangeable() error {
	if a.Status == Active {
		return nil
	}
	return fault.New(fault.Conflict, "account_deactivated")
}
