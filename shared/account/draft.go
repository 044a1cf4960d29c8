package account

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/patch"
)

// Draft is an account that somebody asks for. Text is normalised to NFC and trimmed; an empty text is no text.
//
//	name        1 to 200 code points
//	type        enterprise, individual
//	valueTier   high, medium, low
//	stage       potential, buying, loyal
//	email       a legal address (RFC 5321, internationalised domains), at most 254 bytes
//	phone       kept in E.164; a number without a country is read in the tenant's region
//	address     country: ISO 3166-1 alpha-2; region, city: to 100; street: to 300, lines allowed; postalCode: to 20
//	website     http or https, to 500, without user information
//	industry    to 100
//	idNumber    to 64: of a register, a passport, a tax office
//	ownerId     an active user of the tenant; the creator when absent
//	departmentId  a department of the tenant; the owner's when absent
//	categoryIds   to 10, each a category of the tenant that the creator may use
//	protection  standard
//	contacts    to 30 less the categories, one of them primary; the first when none says so
//	custom      no fields are defined yet
type Draft struct {
	Name       string                    `json:"name"`
	Type       string                    `json:"type,omitzero"`
	ValueTier  string                    `json:"valueTier,omitzero"`
	Stage      string                    `json:"stage,omitzero"`
	Email      string                    `json:"email,omitzero"`
	Phone      string                    `json:"phone,omitzero"`
	IDNumber   string                    `json:"idNumber,omitzero"`
	Address    Address                   `json:"address,omitzero"`
	Website    string                    `json:"website,omitzero"`
	Industry   string                    `json:"industry,omitzero"`
	Owner      patch.Field[string]       `json:"ownerId,omitzero"`
	Department patch.Field[string]       `json:"departmentId,omitzero"`
	Categories []string                  `json:"categoryIds,omitzero"`
	Protection string                    `json:"protection,omitzero"`
	Contacts   []ContactDraft            `json:"contacts,omitzero"`
	Custom     map[string]jsontext.Value `json:"custom,omitzero"`
}

// Patch is a merge patch of an account: a member that is absent stays, null empties it. The owner is changed by a transfer only.
type Patch struct {
	Name       patch.Field[string]       `json:"name,omitzero"`
	Type       patch.Field[string]       `json:"type,omitzero"`
	ValueTier  patch.Field[string]       `json:"valueTier,omitzero"`
	Stage      patch.Field[string]       `json:"stage,omitzero"`
	Email      patch.Field[string]       `json:"email,omitzero"`
	Phone      patch.Field[string]       `json:"phone,omitzero"`
	IDNumber   patch.Field[string]       `json:"idNumber,omitzero"`
	Address    patch.Field[AddressPatch] `json:"address,omitzero"`
	Website    patch.Field[string]       `json:"website,omitzero"`
	Industry   patch.Field[string]       `json:"industry,omitzero"`
	Department patch.Field[string]       `json:"departmentId,omitzero"`
	Categories patch.Field[[]string]     `json:"categoryIds,omitzero"`
	Protection patch.Field[string]       `json:"protection,omitzero"`

	Custom patch.Field[map[string]jsontext.Value] `json:"custom,omitzero"`
}

// AddressPatch is a merge patch of an address.
type AddressPatch struct {
	Country    patch.Field[string] `json:"country,omitzero"`
	Region     patch.Field[string] `json:"region,omitzero"`
	City       patch.Field[string] `json:"city,omitzero"`
	Street     patch.Field[string] `json:"street,omitzero"`
	PostalCode patch.Field[string] `json:"postalCode,omitzero"`
}

// ContactDraft is a contact that somebody asks for: name 1 to 200, title to 100, e-mail and phone as an account's.
type ContactDraft struct {
	Name    string `json:"name"`
	Title   string `json:"title,omitzero"`
	Email   string `json:"email,omitzero"`
	Phone   string `json:"phone,omitzero"`
	Primary bool   `json:"primary,omitzero"`
}

// ContactPatch is a merge patch of a contact. Primary true takes the place of the contact that was primary; the primary contact cannot
// stop being it in any other way.
type ContactPatch struct {
	Name    patch.Field[string] `json:"name,omitzero"`
	Title   patch.Field[string] `json:"title,omitzero"`
	Email   patch.Field[string] `json:"email,omitzero"`
	Phone   patch.Field[string] `json:"phone,omitzero"`
	Primary patch.Field[bool]   `json:"primary,omitzero"`
}

// given makes a member of a patch from a draft's text: an empty one is absent.
func given(s string) patch.Field[string] {
	if s == "" {
		return patch.Field[string]{}
	}
	return patch.Of(s)
}

// patch gives the draft as a patch of the empty account: one set of rules serves both.
func (d *Draft) patch() Patch {
	p := Patch{
		Name: given(d.Name), Type: given(d.Type), ValueTier: given(d.ValueTier), Stage: given(d.Stage), Email: given(d.Email),
		Phone: given(d.Phone), IDNumber: given(d.IDNumber), Website: given(d.Website), Industry: given(d.Industry),
		Department: d.Department, Protection: given(d.Protection), Custom: patch.Of(d.Custom),
	}
	if len(d.Categories) > 0 {
		p.Categories = patch.Of(d.Categories)
	}
	if a := d.Address; a != (Address{}) {
		p.Address = patch.Of(AddressPatch{given(a.Country), given(a.Region), given(a.City), given(a.Street), given(a.PostalCode)})
	}
	return p
}

// member is a member of a patch by the name that field rules give it.
type member struct {
	name string
	set  bool
}

func setOf(members ...member) []string {
	var names []string
	for _, m := range members {
		if m.set {
			names = append(names, m.name)
		}
	}
	return names
}

// names are the fields that the patch would write. To empty the address is to write each of its members.
func (p *Patch) names() []string {
	d, gone := &p.Address.Value, p.Address.Null
	return setOf(
		member{"name", p.Name.Set}, member{"type", p.Type.Set}, member{"valueTier", p.ValueTier.Set}, member{"stage", p.Stage.Set},
		member{"email", p.Email.Set}, member{"phone", p.Phone.Set}, member{"idNumber", p.IDNumber.Set},
		member{"address.country", gone || d.Country.Set}, member{"address.region", gone || d.Region.Set},
		member{"address.city", gone || d.City.Set}, member{"address.street", gone || d.Street.Set},
		member{"address.postalCode", gone || d.PostalCode.Set},
		member{"website", p.Website.Set}, member{"industry", p.Industry.Set}, member{"departmentId", p.Department.Set},
		member{"categoryIds", p.Categories.Set}, member{"protection", p.Protection.Set}, member{"custom", len(p.Custom.Value) > 0},
	)
}

// apply writes the patch's members into the account, each by its rule.
func (p *Patch) apply(a *Account, r *rules) {
	r.text(&a.Name, p.Name, "/name", nameRule)
	r.oneOf(&a.Type, p.Type, "/type", Types)
	r.oneOf(&a.ValueTier, p.ValueTier, "/valueTier", ValueTiers)
	r.oneOf(&a.Stage, p.Stage, "/stage", Stages)
	r.email((*string)(&a.Email), &a.mail, p.Email, "/email")
	r.phone((*string)(&a.Phone), p.Phone, "/phone")
	r.text((*string)(&a.IDNumber), p.IDNumber, "/idNumber", idNumberRule)
	if p.Address.Null {
		a.Address = Address{}
	}
	d := &p.Address.Value
	r.country(&a.Address.Country, d.Country, "/address/country")
	r.text(&a.Address.Region, d.Region, "/address/region", placeRule)
	r.text(&a.Address.City, d.City, "/address/city", placeRule)
	r.text(&a.Address.Street, d.Street, "/address/street", streetRule)
	r.text(&a.Address.PostalCode, d.PostalCode, "/address/postalCode", postalRule)
	r.website(&a.Website, p.Website, "/website")
	r.text(&a.Industry, p.Industry, "/industry", industryRule)
	if s := strings.TrimSpace(p.Department.Or(string(a.Department))); s == "" {
		a.Department = ""
	} else if dept, err := id.Parse[id.Department](s); err != nil {
		r.add(fault.At("/departmentId", "unknown_department"))
	} else {
		a.Department = dept
	}
	if s := p.Protection.Or(Standard); s != Standard && s != "" {
		r.add(fault.At("/protection", "protection_unsupported", "allowed", Standard))
	}
	r.categories(&a.Categories, p.Categories)
	for _, name := range sortedKeys(p.Custom.Value, listed) {
		r.add(fault.At("/custom/"+pointerEscape.Replace(name[:min(len(name), 64)]), "unknown_field"))
	}
}

// categories takes ids, each once; whether there are such categories is asked of Filing.
func (r *rules) categories(to *Categories, m patch.Field[[]string]) {
	if !m.Set {
		return
	}
	if len(m.Value) > MaxCategories {
		r.add(fault.At("/categoryIds", "too_many", "max", strconv.Itoa(MaxCategories)))
		return
	}
	ids := make([]id.Category, 0, len(m.Value))
	for i, s := range m.Value {
		c, err := id.Parse[id.Category](s)
		if err != nil {
			r.add(fault.At("/categoryIds/"+strconv.Itoa(i), "unknown_category"))
			continue
		}
		ids = append(ids, c)
	}
	*to = CategoriesOf(ids)
}

// listed bounds how many refused members of one kind an answer names.
const listed = 20

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

func sortedKeys(m map[string]jsontext.Value, most int) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys[:min(most, len(keys))]
}

// required names the fields that the account lacks and the tenant demands: nil settings demand RequiredByDefault. mayWrite tells which
// fields the writer could fill; faulty fields have their own entry already.
func (a *Account) required(setting []string, mayWrite func(string) bool, r *rules) {
	if setting == nil {
		setting = RequiredByDefault
	}
	for _, f := range accountFields {
		if f.name != "name" && !(slices.Contains(setting, f.name) && slices.Contains(Requirable, f.name)) {
			continue
		}
		if f.empty(a) && mayWrite(f.name) && !r.faulty("/"+f.name) {
			r.add(fault.At("/"+f.name, "required"))
		}
	}
}

func (p *ContactPatch) names() []string {
	return setOf(
		member{"name", p.Name.Set}, member{"title", p.Title.Set}, member{"email", p.Email.Set}, member{"phone", p.Phone.Set},
		member{"primary", p.Primary.Set},
	)
}

func (p *ContactPatch) apply(c *Contact, under string, r *rules) {
	r.text(&c.Name, p.Name, under+"/name", nameRule)
	r.text(&c.Title, p.Title, under+"/title", titleRule)
	r.email((*string)(&c.Email), &c.mail, p.Email, under+"/email")
	r.phone((*string)(&c.Phone), p.Phone, under+"/phone")
	if c.Name == "" && !r.faulty(under+"/name") {
		r.add(fault.At(under+"/name", "required"))
	}
}

func (d *ContactDraft) patch() ContactPatch {
	return ContactPatch{
		Name: given(d.Name), Title: given(d.Title), Email: given(d.Email), Phone: given(d.Phone),
		Primary: patch.Field[bool]{Set: d.Primary, Value: d.Primary},
	}
}

// primaries gives the position of the primary contact among the drafts, the first when none says so.
func primaries(drafts []ContactDraft, r *rules) int {
	chosen, seen := 0, false
	for i, d := range drafts {
		switch {
		case d.Primary && seen:
			r.add(fault.At("/contacts/"+strconv.Itoa(i)+"/primary", "one_primary"))
		case d.Primary:
			chosen, seen = i, true
		}
	}
	return chosen
}
