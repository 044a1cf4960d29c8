package user

import (
	"strings"
	"unicode/utf8"

	"github.com/steward-crm/steward/shared/policy"
	"github.com/steward-crm/steward/shared/principal"
	"github.com/steward-crm/steward/shared/sealed"
)

const dots = "•••"

// Shown gives the user as the subject's roles show them: hidden fields empty, masked ones in part or locked. Subjects see all of themselves. Who
// may change a user and not view them is shown that it is done, and nothing of them.
func (u User) Shown(who *policy.Subject) User {
	if u.ID == who.User {
		return u
	}
	if !policy.Decide(who, policy.ModUser, policy.View, u.resource()).Allowed {
		return User{ID: u.ID, Tenant: u.Tenant, Version: u.Version, Standing: principal.Standing{Status: u.Status}, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt}
	}
	for _, f := range []struct {
		name  string
		value *string
		mask  func(string) string
	}{
		{"name", &u.Name, func(string) string { return dots }},
		{"email", (*string)(&u.Email), maskEmail},
		{"phone", (*string)(&u.Phone), maskPhone},
		{"employeeNo", &u.EmployeeNo, func(string) string { return dots }},
	} {
		switch who.Field(policy.ModUser, policy.View, f.name) {
		case policy.Read, policy.Edit:
		case policy.Masked:
			if *f.value != "" && sealed.Text(*f.value) != sealed.Locked {
				*f.value = f.mask(*f.value)
			}
		default:
			*f.value = ""
		}
	}
	if u.Email == "" {
		u.MailFailed = MailFailure{} // it would tell of an address
	}
	u.Canonical = ""
	return u
}

// maskPhone leaves the last four digits.
func maskPhone(s string) string {
	if len(s) <= 8 {
		return dots
	}
	return dots + s[len(s)-4:]
}

// maskEmail leaves the first letter and the domain.
func maskEmail(s string) string {
	i := strings.LastIndexByte(s, '@')
	if i < 1 {
		return dots
	}
	_, n := utf8.DecodeRuneInString(s)
	return s[:n] + dots + s[i:]
}
