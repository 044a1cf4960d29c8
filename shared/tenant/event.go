package tenant

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/email"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/phone"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/text"
)

// The types of events.
const (
	TypeCreated   = "tenant.created"
	TypeUpdated   = "tenant.updated"
	TypeSuspended = "tenant.suspended"
	TypeResumed   = "tenant.resumed"
	TypeCancelled = "tenant.cancelled"
)

// Known reports whether the type is one that Steward acts on.
func Known(typ string) bool {
	switch typ {
	case TypeCreated, TypeUpdated, TypeSuspended, TypeResumed, TypeCancelled:
		return true
	}
	return false
}

// The limits of what an event says.
const (
	MaxExternalID = 128            // characters
	MaxName       = 200            // code points of a company's name, as package org has it
	MaxPerson     = 100            // code points of a person's name, as package user has it
	MaxAddress    = 500            // code points of an address, as package org has it
	MaxAhead      = 24 * time.Hour // how far a timestamp may lie in the future: later events must be able to overtake it
)

// Event is what the SaaS says about one of its customers. Exactly the member of its type is set.
type Event struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened: orders events, in whatever order they arrive
	Created   *Created  `json:"created,omitempty"`
	Updated   *Updated  `json:"updated,omitempty"`
	Status    *Status   `json:"status,omitempty"` // of suspended, resumed and cancelled
}

// External is the external id that the event is about.
func (e *Event) External() string {
	switch {
	case e.Created != nil:
		return e.Created.ExternalID
	case e.Updated != nil:
		return e.Updated.ExternalID
	case e.Status != nil:
		return e.Status.ExternalID
	}
	return ""
}

// Created is the data of tenant.created. Locale is en and plan is standard when they are absent.
type Created struct {
	ExternalID string  `json:"externalId"` // the SaaS's own name of the customer
	Slug       string  `json:"slug"`
	Company    Company `json:"company"`
	Admin      Admin   `json:"admin"`
	Locale     string  `json:"locale,omitempty"`
	Plan       string  `json:"plan,omitempty"`
}

// Updated is the data of tenant.updated: what is absent stays, and a company is replaced whole.
type Updated struct {
	ExternalID string   `json:"externalId"`
	Company    *Company `json:"company,omitempty"`
	Locale     *string  `json:"locale,omitempty"`
	Plan       *string  `json:"plan,omitempty"`
}

// Status is the data of tenant.suspended, tenant.resumed and tenant.cancelled.
type Status struct {
	ExternalID string `json:"externalId"`
}

// Company is the company that the tenant is.
type Company struct {
	Name    string  `json:"name"`
	Phone   string  `json:"phone,omitempty"`
	Email   string  `json:"email,omitempty"`
	Address Address `json:"address,omitempty"`
}

// Address is where a company is, as it is written on a letter. In JSON it is a text, or an object of the members that an account's
// address has, because a SaaS keeps its customers' addresses in either form; the object becomes lines.
type Address string

// UnmarshalJSONFrom reads either form. Any other is Invalid address_invalid.
func (a *Address) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	var parts struct {
		Country    string `json:"country"`
		Region     string `json:"region"`
		City       string `json:"city"`
		Street     string `json:"street"`
		PostalCode string `json:"postalCode"`
	}
	var err error
	switch d.PeekKind() {
	case '"':
		err = json.UnmarshalDecode(d, (*string)(a))
	case '{':
		if err = json.UnmarshalDecode(d, &parts, json.RejectUnknownMembers(true)); err != nil {
			break
		}
		lines := []string{parts.Street, strings.TrimSpace(parts.PostalCode + " " + parts.City), parts.Region, parts.Country}
		*a = Address(strings.Join(slices.DeleteFunc(lines, func(s string) bool { return s == "" }), "\n"))
	default:
		err = d.SkipValue()
		if err == nil {
			err = errors.New("neither text nor object")
		}
	}
	if err != nil {
		return fault.New(fault.Invalid, "address_invalid").Because(err)
	}
	return nil
}

// Admin is the first administrator.
type Admin struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	Phone string `json:"phone,omitempty"`
}

// region is the default country of phone numbers in a tenant that speaks the locale. Most tenants are in China, whatever they speak.
func region(locale string) string {
	if locale == text.Traditional {
		return "TW"
	}
	return "CN"
}

// Check judges the event, brings its values into the form that is kept, and answers every field at fault at once. Pointers are into the
// webhook's body.
func (e *Event) Check(now time.Time) error {
	j := judge{}
	switch {
	case e.Timestamp.IsZero():
		j.add("/timestamp", "required")
	case e.Timestamp.After(now.Add(MaxAhead)):
		j.add("/timestamp", "timestamp_in_future", "hours", strconv.Itoa(int(MaxAhead/time.Hour)))
	}
	e.Timestamp = e.Timestamp.UTC()
	j.external(e.External())
	switch {
	case e.Created != nil:
		j.created(e.Created)
	case e.Updated != nil:
		j.updated(e.Updated)
	}
	return fault.Fields(j.bad...)
}

type judge struct{ bad []fault.Field }

func (j *judge) add(pointer, code string, args ...string) {
	j.bad = append(j.bad, fault.At(pointer, code, args...))
}

func (j *judge) external(s string) {
	if s == "" {
		j.add("/data/externalId", "required")
		return
	}
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_.:", r)
	}
	if len(s) > MaxExternalID || strings.ContainsFunc(s, odd) {
		j.add("/data/externalId", "external_id_invalid", "max", strconv.Itoa(MaxExternalID))
	}
}

func (j *judge) created(d *Created) {
	if d.Slug == "" {
		j.add("/data/slug", "required")
	} else if code := slugFault(d.Slug); code != "" {
		j.add("/data/slug", code, "min", strconv.Itoa(MinSlug), "max", strconv.Itoa(MaxSlug))
	}
	if d.Locale == "" {
		d.Locale = text.English
	}
	if d.Plan == "" {
		d.Plan = "standard"
	}
	j.locale(d.Locale)
	j.plan(d.Plan)
	in := region(d.Locale)
	j.company(&d.Company, in)
	j.text("/data/admin/name", &d.Admin.Name, plain.Rule{Min: 1, Max: MaxPerson})
	j.email("/data/admin/email", &d.Admin.Email, true)
	j.phone("/data/admin/phone", &d.Admin.Phone, in)
}

func (j *judge) updated(d *Updated) {
	if d.Company == nil && d.Locale == nil && d.Plan == nil {
		j.add("/data", "nothing_to_update")
	}
	in := region("")
	if d.Locale != nil {
		j.locale(*d.Locale)
		in = region(*d.Locale)
	}
	if d.Plan != nil {
		j.plan(*d.Plan)
	}
	if d.Company != nil {
		j.company(d.Company, in)
	}
}

func (j *judge) locale(s string) {
	if !text.IsLocale(s) {
		j.add("/data/locale", "invalid_locale")
	}
}

func (j *judge) plan(s string) {
	if _, ok := UserLimit(s); !ok {
		j.add("/data/plan", "unknown_plan", "allowed", strings.Join(Plans(), ", "))
	}
}

func (j *judge) company(d *Company, in string) {
	j.text("/data/company/name", &d.Name, plain.Rule{Min: 1, Max: MaxName})
	j.email("/data/company/email", &d.Email, false)
	j.phone("/data/company/phone", &d.Phone, in)
	j.text("/data/company/address", (*string)(&d.Address), plain.Rule{Max: MaxAddress, Lines: true})
}

func (j *judge) text(pointer string, to *string, r plain.Rule) {
	s, at := plain.Check(pointer, *to, r)
	if at != nil {
		j.bad = append(j.bad, *at)
		return
	}
	*to = s
}

func (j *judge) email(pointer string, to *string, required bool) {
	if *to == "" {
		if required {
			j.add(pointer, "required")
		}
		return
	}
	a, err := email.Parse(*to)
	if err != nil {
		j.foreign(pointer, err)
		return
	}
	*to = a.Display
}

func (j *judge) phone(pointer string, to *string, in string) {
	if *to == "" {
		return
	}
	n, err := phone.Parse(*to, in)
	if err != nil {
		j.foreign(pointer, err)
		return
	}
	*to = string(n)
}

// foreign takes the fields of another package's fault, which point into the value.
func (j *judge) foreign(pointer string, err error) {
	f := fault.Of(err)
	if len(f.Fields) == 0 {
		j.bad = append(j.bad, fault.Field{Pointer: pointer, Code: f.Code, Args: f.Args})
	}
	for _, x := range f.Fields {
		x.Pointer = pointer + x.Pointer
		j.bad = append(j.bad, x)
	}
}
