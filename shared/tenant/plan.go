package tenant

import (
	"maps"
	"slices"
	"strings"
)

// plans gives how many users each plan of the SaaS allows. The SaaS decides what its plans are called and cost; a plan that it invents
// gets a line here before its first webhook, or that webhook is refused.
var plans = map[string]int{
	"free":         25,
	"trial":        25,
	"basic":        25,
	"starter":      25,
	"team":         100,
	"standard":     100,
	"growth":       250,
	"pro":          500,
	"professional": 500,
	"premium":      1000,
	"business":     1000,
	"enterprise":   10000,
}

// Plans names the plans, in order of their names.
func Plans() []string { return slices.Sorted(maps.Keys(plans)) }

// UserLimit is how many users the plan allows; false for a plan that does not exist.
func UserLimit(plan string) (int, bool) {
	n, ok := plans[plan]
	return n, ok
}

// The limits of a slug.
const (
	MinSlug = 3
	MaxSlug = 40
)

// reserved are names that would mislead as a tenant's name, or that a deployment may need as host names.
var reserved = []string{
	"admin", "administrator", "api", "app", "assets", "auth", "billing", "cdn", "dashboard", "docs", "ftp", "help", "imap", "internal",
	"localhost", "login", "mail", "ns1", "ns2", "oauth", "pop", "postmaster", "root", "security", "smtp", "sso", "static", "status",
	"steward", "support", "system", "webhook", "webhooks", "www",
}

// slugFault judges a slug: lower-case letters, digits and hyphens between them, so that it can be a host name's label. Two hyphens in the
// third and fourth place are reserved with the names: such labels (xn--) are internationalised names in disguise (RFC 5891, 4.2.3.1).
func slugFault(s string) string {
	if len(s) < MinSlug || len(s) > MaxSlug || strings.Trim(s, "-") != s {
		return "slug_invalid"
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return "slug_invalid"
		}
	}
	if slices.Contains(reserved, s) || (len(s) > 3 && s[2:4] == "--") {
		return "slug_reserved"
	}
	return ""
}
