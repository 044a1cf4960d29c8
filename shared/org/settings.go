package org

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/language"

	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/change"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/patch"
	"github.com/steward-crm/steward/shared/plain"
	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/text"
)

// The bounds of the tenant's shortest password. A tenant can ask for more than Steward does, never for less.
const (
	MinPassword = 12
	MaxPassword = 128
)

// Settings are what a tenant's administrators chose, with the version of that choice.
type Settings struct {
	principal.Settings
	Version int64
}

// SettingsPatch is a merge patch of the settings: a member that is absent stays, null sets it back.
type SettingsPatch struct {
	Locale                patch.Field[string]
	Region                patch.Field[string]
	RequiredAccountFields patch.Field[[]string]
	ModulesOff            patch.Field[[]string]
	PasswordComposition   patch.Field[bool]
	PasswordMinLength     patch.Field[int]
	Defaults              patch.Field[map[string]string] // replaced whole; what is left out is private
	Separation            patch.Field[[]principal.Separation]
}

// MaxSeparation is how many rules of separation of duty a tenant may have: each change of roles is held against all of them.
const MaxSeparation = 50

// settingsOf reads the settings of a tenant's row. Their version counts changes of the settings alone, so that a new user does not make a
// settings form stale.
func settingsOf(row principal.Tenant) Settings {
	s := row.Settings
	s.RequiredAccountFields, s.ModulesOff = slices.Clone(s.RequiredAccountFields), slices.Clone(s.ModulesOff)
	s.Defaults, s.Separation = maps.Clone(s.Defaults), slices.Clone(s.Separation)
	s.PasswordMinLength = max(s.PasswordMinLength, MinPassword)
	return Settings{Settings: s, Version: row.CfgVer + 1}
}

// Settings reads the settings of the subject's tenant.
func (s *Store) Settings(who *policy.Subject) (Settings, error) {
	if err := policy.RequireAny(who, policy.ModTenant, policy.View); err != nil {
		return Settings{}, err
	}
	return settingsOf(who.Org), nil
}

// PatchSettings changes the settings of the subject's tenant. version is the one that the client named, 0 for none; requirable are the
// account fields that a tenant may require. Invalid with every field at fault: invalid_locale, invalid_region, unknown_account_field,
// unknown_module, module_not_switchable, module_without_owners, not_one_of, out_of_range, and of rules of separation unknown_permission,
// separation_same_right, separation_name_taken, too_many. A patch that changes nothing stages nothing. A rule that some already break stays
// broken by them: it refuses what would add to them.
func (s *Store) PatchSettings(
	ctx context.Context, who *policy.Subject, c *change.Set, version int64, p SettingsPatch, requirable []string,
) (Settings, error) {
	if err := policy.RequireAny(who, policy.ModTenant, policy.Update); err != nil {
		return Settings{}, err
	}
	was := settingsOf(who.Org)
	if err := fault.Match(version, was.Version); err != nil {
		return Settings{}, err
	}
	now := settingsOf(who.Org)
	if err := fault.Fields(p.apply(&now.Settings, requirable)...); err != nil {
		return Settings{}, err
	}
	fields := changedSettings(was.Settings, now.Settings)
	if len(fields) == 0 {
		return was, nil
	}
	now.Version++
	err := access.Raise(c, who.Org, who.OrgVersion, func(t *principal.Tenant) {
		t.CfgVer++
		t.Settings = now.Settings
	})
	if err != nil {
		return Settings{}, err
	}
	return now, s.record(ctx, c, who.Tenant, string(who.Tenant), fields, was.Settings, now.Settings)
}

func (p *SettingsPatch) apply(s *principal.Settings, requirable []string) []fault.Field {
	var bad []fault.Field
	if p.Locale.Set {
		if s.Locale = p.Locale.Or(""); p.Locale.Null {
			s.Locale = text.English
		}
		if !text.IsLocale(s.Locale) {
			bad = append(bad, fault.At("/locale", "invalid_locale"))
		}
	}
	if p.Region.Set {
		if s.Region = p.Region.Value; s.Region != "" && !isRegion(s.Region) {
			bad = append(bad, fault.At("/region", "invalid_region"))
		}
	}
	if p.RequiredAccountFields.Set {
		s.RequiredAccountFields = set(p.RequiredAccountFields.Value)
		for i, f := range p.RequiredAccountFields.Value {
			if !slices.Contains(requirable, f) {
				bad = append(bad, fault.At("/requiredAccountFields/"+strconv.Itoa(i), "unknown_account_field"))
			}
		}
	}
	if p.ModulesOff.Set {
		s.ModulesOff = set(p.ModulesOff.Value)
		for i, m := range p.ModulesOff.Value {
			switch {
			case !policy.Declared(policy.Module(m), policy.View):
				bad = append(bad, fault.At("/modulesOff/"+strconv.Itoa(i), "unknown_module"))
			case policy.Core(policy.Module(m)):
				bad = append(bad, fault.At("/modulesOff/"+strconv.Itoa(i), "module_not_switchable"))
			}
		}
	}
	s.PasswordComposition = p.PasswordComposition.Or(s.PasswordComposition)
	if p.PasswordMinLength.Set {
		if s.PasswordMinLength = p.PasswordMinLength.Value; p.PasswordMinLength.Null {
			s.PasswordMinLength = MinPassword
		}
		if s.PasswordMinLength < MinPassword || s.PasswordMinLength > MaxPassword {
			bad = append(bad, fault.At("/passwordMinLength", "out_of_range", "min", strconv.Itoa(MinPassword), "max", strconv.Itoa(MaxPassword)))
		}
	}
	if p.Defaults.Set {
		bad = append(bad, defaults(&s.Defaults, p.Defaults.Value)...)
	}
	if p.Separation.Set {
		bad = append(bad, separation(&s.Separation, p.Separation.Value)...)
	}
	return bad
}

// defaults judges what the records of modules are open to, and writes it: private is said by absence, so that equal settings are equal.
func defaults(to *map[string]string, asked map[string]string) []fault.Field {
	var bad []fault.Field
	kept := map[string]string{}
	for _, m := range slices.Sorted(maps.Keys(asked)) {
		at := "/defaults/" + pointerEscape.Replace(m[:min(len(m), 64)])
		switch d := policy.Default(asked[m]); {
		case !policy.Declared(policy.Module(m), policy.View):
			bad = append(bad, fault.At(at, "unknown_module"))
		case !policy.HasDefault(policy.Module(m)):
			bad = append(bad, fault.At(at, "module_without_owners"))
		case !slices.Contains(policy.Defaults, d):
			bad = append(bad, fault.At(at, "not_one_of", "allowed", "private, public_read, public_edit"))
		case d != policy.Private:
			kept[m] = asked[m]
		}
	}
	if *to = kept; len(kept) == 0 {
		*to = nil
	}
	return bad[:min(len(bad), listed)]
}

// listed bounds how many refused members of one kind an answer names.
const listed = 20

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")

// separation judges rules of separation of duty, and writes them.
func separation(to *[]principal.Separation, asked []principal.Separation) []fault.Field {
	if len(asked) > MaxSeparation {
		return []fault.Field{fault.At("/separationOfDuty", "too_many", "max", strconv.Itoa(MaxSeparation))}
	}
	var bad []fault.Field
	names := map[string]bool{}
	*to = nil
	for i, r := range asked {
		at := "/separationOfDuty/" + strconv.Itoa(i)
		bad = append(bad, words(&r.Name, patch.Of(r.Name), at+"/name", plain.Rule{Min: 1, Max: MaxName})...)
		if folded := plain.Fold(r.Name); folded != "" && names[folded] {
			bad = append(bad, fault.At(at+"/name", "separation_name_taken"))
		} else {
			names[folded] = true
		}
		if _, _, ok := policy.Right(r.First); !ok {
			bad = append(bad, fault.At(at+"/first", "unknown_permission"))
		}
		if _, _, ok := policy.Right(r.Second); !ok {
			bad = append(bad, fault.At(at+"/second", "unknown_permission"))
		} else if r.First == r.Second {
			bad = append(bad, fault.At(at+"/second", "separation_same_right"))
		}
		*to = append(*to, r)
	}
	return bad
}

// isRegion reports whether s is a country of ISO 3166-1, alpha-2, in capitals.
func isRegion(s string) bool {
	r, err := language.ParseRegion(s)
	return err == nil && len(s) == 2 && r.IsCountry() && r.String() == s
}

// set gives the names or ids in order, each once; nil for none.
func set[K ~string](names []K) []K {
	out := slices.Clone(names)
	slices.Sort(out)
	return slices.Compact(out)
}

func changedSettings(a, b principal.Settings) []string {
	var names []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{"locale", a.Locale == b.Locale},
		{"region", a.Region == b.Region},
		{"requiredAccountFields", slices.Equal(a.RequiredAccountFields, b.RequiredAccountFields)},
		{"modulesOff", slices.Equal(a.ModulesOff, b.ModulesOff)},
		{"passwordComposition", a.PasswordComposition == b.PasswordComposition},
		{"passwordMinLength", a.PasswordMinLength == b.PasswordMinLength},
		{"defaults", maps.Equal(a.Defaults, b.Defaults)},
		{"separationOfDuty", slices.Equal(a.Separation, b.Separation)},
	} {
		if !f.same {
			names = append(names, f.name)
		}
	}
	return names
}
