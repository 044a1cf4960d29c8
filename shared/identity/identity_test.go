package identity_test

import (
	"testing"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
)

const (
	tenant id.Tenant = "tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB"
	user   id.User   = "user_01JD3Z4T0X8Y6QH2N5W7R9K1MB"
)

func TestName(t *testing.T) {
	gotTenant, gotUser, ok := identity.NameOf(tenant, user).Split()
	if !ok || gotTenant != tenant || gotUser != user {
		t.Errorf("split into %s and %s, %t", gotTenant, gotUser, ok)
	}
	for what, n := range map[string]identity.Name{
		"nothing":         "",
		"no mark":         identity.Name(tenant) + identity.Name(user),
		"two marks":       identity.Name(tenant) + "~~" + identity.Name(user),
		"turned round":    identity.Name(user) + "~" + identity.Name(tenant),
		"no tenant":       "~" + identity.Name(user),
		"no user":         identity.Name(tenant) + "~",
		"lower case":      "tnt_01jd3z4t0x8y6qh2n5w7r9k1mb~" + identity.Name(user),
		"something after": identity.NameOf(tenant, user) + "x",
		"a third part":    identity.NameOf(tenant, user) + "~" + identity.Name(user),
	} {
		if _, _, ok := n.Split(); ok {
			t.Errorf("%s: taken for a name", what)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add(string(identity.NameOf(tenant, user)))
	f.Add("~")
	f.Fuzz(func(t *testing.T, s string) {
		if a, b, ok := identity.Name(s).Split(); ok && identity.NameOf(a, b) != identity.Name(s) {
			t.Errorf("%q has two spellings", s)
		}
	})
}
