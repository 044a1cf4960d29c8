package cognito_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/shared/identity"
)

// covered says of each method of the port which calls of Cognito's it makes, which peer is right about them, and why not the other. Every method
// but the last three is on stub answers besides (TestMethods).
var covered = []struct{ method, calls, on, why string }{
	{"CreateUser", "AdminCreateUser, AdminGetUser, AdminSetUserPassword, AdminUpdateUserAttributes", "moto", "cognito-local: used, not judged"},
	{"GetUser", "AdminGetUser", "moto, cognito-local", ""},
	{"ListUsers", "ListUsers", "moto", "cognito-local has no pages"},
	{"SetAttributes", "AdminGetUser, AdminUpdateUserAttributes", "moto", "cognito-local: NotAuthorized for an unknown user"},
	{"Disable", "AdminDisableUser", "moto", "cognito-local: the disabled sign in; a disabled user's refresh and open challenge: stub only"},
	{"Enable", "AdminEnableUser", "moto", "cognito-local: as Disable"},
	{"Delete", "AdminDeleteUser", "moto, cognito-local", ""},
	{"SetPassword", "AdminSetUserPassword", "moto", "cognito-local: used, not judged"},
	{"SetTemporaryPassword", "AdminSetUserPassword, AdminUpdateUserAttributes", "moto", "cognito-local puts no challenge to it"},
	{"Authenticate", "AdminInitiateAuth, AdminGetUser", "moto", "cognito-local: another code for a wrong password, no challenges"},
	{"AnswerNewPassword", "AdminRespondToAuthChallenge", "moto", "cognito-local has no such call; moto takes any user's session, twice, of the disabled: stub only"},
	{"AnswerTOTP", "AdminRespondToAuthChallenge", "stub", "moto takes any code; cognito-local has no such call"},
	{"CheckPassword", "AdminInitiateAuth, RevokeToken", "moto", "cognito-local as Authenticate; moto has no RevokeToken, which may fail here"},
	{"Refresh", "GetTokensFromRefreshToken", "moto, cognito-local", "both through its forerunner REFRESH_TOKEN_AUTH, the call itself: stub only"},
	{"Revoke", "RevokeToken", "cognito-local", "moto has no such call"},
	{"SignOutEverywhere", "AdminUserGlobalSignOut", "moto", "cognito-local has no such call"},
	{"EnrolTOTP", "AssociateSoftwareToken", "cognito-local", "moto has one secret for everybody"},
	{"ConfirmTOTP", "VerifySoftwareToken, AdminSetUserMFAPreference", "cognito-local", "moto takes any code; cognito-local has no AdminSetUserMFAPreference: on moto"},
	{"ResetMFA", "AdminSetUserMFAPreference", "stub", "moto ignores settings that say nothing, which is how the SDK says false; cognito-local has no such call"},
	{"JWKS", "the pool's jwks.json", "moto, cognito-local", "what is no key set: a local server (TestJWKS)"},
	{"Issuer", "", "", "asks nobody (TestIssuer)"},
	{"Check", "DescribeUserPool, DescribeUserPoolClient", "moto", "cognito-local knows half of the settings"},
}

// TestEveryMethodIsCovered: the table names every method of the port and every call that the adapter makes, stub rows exist for each method, and
// infra/docs/peers.md says the same.
func TestEveryMethodIsCovered(t *testing.T) {
	port := reflect.TypeFor[identity.Identity]()
	want := map[string]bool{"Check": true}
	for i := range port.NumMethod() {
		want[port.Method(i).Name] = true
	}
	stubbed := map[string]bool{}
	for _, r := range rows() {
		stubbed[r.method] = true
	}
	page, err := os.ReadFile("../../../infra/docs/peers.md")
	must(t, err)
	calls := map[string]bool{}
	for _, c := range covered {
		if !want[c.method] {
			t.Errorf("%s is no method of the port, or named twice", c.method)
		}
		delete(want, c.method)
		if !stubbed[c.method] && c.method != "JWKS" && c.method != "Issuer" && c.method != "Check" {
			t.Errorf("%s has no stub answers", c.method)
		}
		for call := range strings.SplitSeq(c.calls, ", ") {
			calls[call] = true
		}
		line := fmt.Sprintf("| %s | %s | %s | %s |", c.method, c.calls, c.on, c.why)
		t.Log(line)
		if !strings.Contains(string(page), line+"\n") {
			t.Errorf("infra/docs/peers.md lacks the line %s", line)
		}
	}
	for m := range want {
		t.Errorf("%s is covered by nothing", m)
	}
	made := made(t)
	for _, call := range slices.Sorted(maps.Keys(made)) {
		if !calls[call] {
			t.Errorf("%s is made, and the table does not name it", call)
		}
	}
	if len(made) < 18 {
		t.Errorf("%d calls were found in the source: the search is broken", len(made))
	}
}

// made is every call of Cognito's in the source: p.o.Client.X(…).
func made(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*.go")
	must(t, err)
	out := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		must(t, err)
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if f, ok := call.Fun.(*ast.SelectorExpr); ok {
					if on, ok := f.X.(*ast.SelectorExpr); ok && on.Sel.Name == "Client" && f.Sel.Name != "Options" {
						out[f.Sel.Name] = true
					}
				}
			}
			return true
		})
	}
	return out
}
