package functions_test

import (
	"strings"

	"github.com/steward-crm/steward/shared/key"
	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/tenant"
)

// resource reports whether the item is something that people made, and not the record of it, of a request or of work.
func resource(it table.Item) bool {
	x, ok := key.TenantOf(it.PK)
	rest := strings.TrimPrefix(it.PK, "T#"+string(x)+"#")
	for _, p := range []string{"AU", "IK#", "JOB#"} {
		if strings.HasPrefix(rest, p) {
			return false
		}
	}
	if strings.HasPrefix(rest, "U#") {
		return it.SK == "USER" // a code, an attempt, a former password are parts of signing in
	}
	return ok && x != tenant.System // whose key seals what waits for a tenant
}
