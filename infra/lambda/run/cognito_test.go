package main

import (
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/steward-crm/steward/infra/peers"
)

// TestCognito holds which stand-in the front asks about what, in which order, and what it judges itself. Each step goes on from the one before.
func TestCognito(t *testing.T) {
	var asked []string
	var bodies string
	scripted := func(name string, answers *map[string]string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			call := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), peers.CognitoTarget)
			b, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			asked = append(asked, name+call)
			bodies += string(b)
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			a, ok := (*answers)[call]
			if !ok {
				a = "{}"
			}
			if strings.Contains(a, "__type") {
				w.WriteHeader(http.StatusBadRequest)
			}
			_, _ = io.WriteString(w, a)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	right := map[string]string{
		"CreateUserPool": `{"UserPool":{"Id":"twins"}}`, "CreateUserPoolClient": `{"UserPoolClient":{"ClientId":"front"}}`,
		"AdminInitiateAuth":      `{"AuthenticationResult":{"AccessToken":"twin","RefreshToken":"twin's"}}`,
		"AssociateSoftwareToken": `{"SecretCode":"its own"}`, "VerifySoftwareToken": `{"Status":"SUCCESS"}`,
	}
	no := func(code string) string { return `{"__type":"` + code + `","message":"no"}` }
	tokens := `{"AuthenticationResult":{"AccessToken":"access","RefreshToken":"refresh"}}`
	local, moto := right, map[string]string{}
	tw, err := newTwins(t.Context(), scripted("local.", &local))
	if err != nil {
		t.Fatal(err)
	}
	f := newFront(scripted("", &moto), tw, slog.New(slog.DiscardHandler))
	f.judge(nil, &deployment{pool: "p"})

	const (
		signIn  = `{"AuthParameters":{"USERNAME":"ann","PASSWORD":"x"}}`
		refresh = `{"ClientId":"c","RefreshToken":"refresh"}`
		token   = `{"AccessToken":"access"}`
		code    = `{"AccessToken":"access","UserCode":"111111"}`
	)
	respond := func(user, challenge, code string) string {
		return `{"Session":"s","ChallengeName":"` + challenge + `","ChallengeResponses":{"USERNAME":"` + user + `","SOFTWARE_TOKEN_MFA_CODE":"` + code + `","NEW_PASSWORD":"new"}}`
	}
	with := func(m map[string]string) map[string]string { // the answers of cognito-local that are not the right ones
		out := maps.Clone(right)
		maps.Copy(out, m)
		return out
	}
	asks := func(challenge string) map[string]string {
		return map[string]string{"AdminInitiateAuth": `{"Session":"s","ChallengeName":"` + challenge + `"}`, "AdminRespondToAuthChallenge": tokens}
	}
	for _, c := range []struct {
		says, call, body string
		moto, local      map[string]string // local: what is not right
		answer           string
		asked            string
		sent             string // among what was asked
	}{
		{
			"the twin signs in with the user, and is made first", "AdminInitiateAuth", signIn,
			map[string]string{"AdminInitiateAuth": tokens},
			map[string]string{"AdminInitiateAuth": no("NotAuthorizedException")},
			"NotAuthorizedException",
			"AdminInitiateAuth local.AdminInitiateAuth local.AdminCreateUser local.AdminSetUserPassword local.AdminInitiateAuth", `"USERNAME":"ann"`,
		},
		{
			"who has one signs in", "AdminInitiateAuth", signIn,
			map[string]string{"AdminInitiateAuth": tokens},
			nil, `"refresh"`,
			"AdminInitiateAuth local.AdminInitiateAuth", "",
		},
		{
			"who does not sign in has none", "AdminInitiateAuth", signIn,
			map[string]string{"AdminInitiateAuth": no("NotAuthorizedException")},
			nil, "NotAuthorizedException",
			"AdminInitiateAuth", "",
		},
		{
			"a refresh token lives as the twin's does", "GetTokensFromRefreshToken", refresh,
			map[string]string{"AdminInitiateAuth": tokens},
			nil, `"access"`,
			"local.AdminInitiateAuth AdminInitiateAuth", `"REFRESH_TOKEN":"twin's"`,
		},
		{
			"or is refused", "GetTokensFromRefreshToken", refresh, nil,
			map[string]string{"AdminInitiateAuth": no("NotAuthorizedException")},
			"NotAuthorizedException",
			"local.AdminInitiateAuth", "",
		},
		{"it is revoked there", "RevokeToken", `{"ClientId":"c","Token":"refresh"}`, nil, nil, "{}", "local.RevokeToken", `"Token":"twin's"`},
		{
			"one that nobody has got goes as it is", "RevokeToken", `{"ClientId":"c","Token":"odd"}`, nil,
			map[string]string{"RevokeToken": no("NotAuthorizedException")},
			"NotAuthorizedException", "local.RevokeToken", `"Token":"odd"`,
		},
		{
			"a secret is the user's own", "AssociateSoftwareToken", token,
			map[string]string{"AssociateSoftwareToken": `{"SecretCode":"everybody's"}`},
			nil, "its own",
			"local.AdminInitiateAuth AssociateSoftwareToken local.AdminInitiateAuth local.AssociateSoftwareToken", `"USERNAME":"ann~1"`,
		},
		{
			"no secret for a token that moto refuses", "AssociateSoftwareToken", token,
			map[string]string{"AssociateSoftwareToken": no("NotAuthorizedException")},
			nil,
			"NotAuthorizedException", "local.AdminInitiateAuth AssociateSoftwareToken", "",
		},
		{
			"nor for one whose sign-in was revoked", "AssociateSoftwareToken", token, nil,
			map[string]string{"AdminInitiateAuth": no("NotAuthorizedException")},
			"NotAuthorizedException", "local.AdminInitiateAuth", "",
		},
		{
			"moto learns nothing of a wrong code", "VerifySoftwareToken", code, nil,
			map[string]string{"VerifySoftwareToken": no("CodeMismatchException")},
			"CodeMismatchException", "local.AdminInitiateAuth AssociateSoftwareToken local.VerifySoftwareToken", "",
		},
		{
			"but of a right one", "VerifySoftwareToken", code,
			map[string]string{"VerifySoftwareToken": `{"Status":"SUCCESS"}`},
			nil,
			"SUCCESS", "local.AdminInitiateAuth AssociateSoftwareToken local.VerifySoftwareToken VerifySoftwareToken", `"AccessToken":"twin"`,
		},
		{"nothing is left to confirm", "VerifySoftwareToken", code, nil, nil, "SoftwareTokenMFANotFoundException", "local.AdminInitiateAuth AssociateSoftwareToken", ""},
		{"moto puts the challenge", "AdminInitiateAuth", signIn, asks(totp), nil, totp, "AdminInitiateAuth", ""},
		{"a session that there is not", "AdminRespondToAuthChallenge", `{"Session":"t"}`, asks(totp), nil, "NotAuthorizedException", "", ""},
		{"a session is its user's", "AdminRespondToAuthChallenge", respond("bob", totp, "222222"), asks(totp), nil, "NotAuthorizedException", "", ""},
		{"and for its challenge", "AdminRespondToAuthChallenge", respond("ann", newPassword, ""), asks(totp), nil, "NotAuthorizedException", "", ""},
		{
			"a wrong code does not reach moto", "AdminRespondToAuthChallenge", respond("ann", totp, "222222"), asks(totp),
			map[string]string{"VerifySoftwareToken": no("CodeMismatchException")},
			"CodeMismatchException", "local.VerifySoftwareToken", "",
		},
		{"nor does one that was taken", "AdminRespondToAuthChallenge", respond("ann", totp, "111111"), asks(totp), nil, "ExpiredCodeException", "", ""},
		{
			"a right one does", "AdminRespondToAuthChallenge", respond("ann", totp, "222222"), asks(totp), nil, `"refresh"`,
			"local.VerifySoftwareToken AdminRespondToAuthChallenge local.AdminInitiateAuth", `"AccessToken":"twin"`,
		},
		{"a session is good once", "AdminRespondToAuthChallenge", respond("ann", totp, "333333"), asks(totp), nil, "NotAuthorizedException", "", ""},
		{"a temporary password", "AdminInitiateAuth", signIn, asks(newPassword), nil, newPassword, "AdminInitiateAuth", ""},
		{
			"a new password does not go around the second factor", "AdminRespondToAuthChallenge", respond("ann", newPassword, ""), asks(totp), nil, totp,
			"AdminRespondToAuthChallenge AdminInitiateAuth", `"PASSWORD":"new"`,
		},
		{
			"what is switched off is said", "AdminSetUserMFAPreference", `{"Username":"ann","SoftwareTokenMfaSettings":{}}`, nil, nil, "{}",
			"AdminSetUserMFAPreference", `"SoftwareTokenMfaSettings":{"Enabled":false,"PreferredMfa":false}`,
		},
		{"the disabled keep nothing that refreshes", "AdminDisableUser", `{"Username":"ann"}`, nil, nil, "{}", "AdminDisableUser local.AdminDeleteUser", ""},
		{"nor an open session", "AdminRespondToAuthChallenge", respond("ann", totp, "333333"), asks(totp), nil, "NotAuthorizedException", "", ""},
		{
			"who is not there has no twin", "AdminDeleteUser", `{"Username":"bob"}`,
			map[string]string{"AdminDeleteUser": no("UserNotFoundException")},
			nil,
			"UserNotFoundException", "AdminDeleteUser", "",
		},
		{
			"nor need who is", "AdminDeleteUser", `{"Username":"ann"}`, nil,
			map[string]string{"AdminDeleteUser": no("UserNotFoundException")},
			"{}",
			"AdminDeleteUser local.AdminDeleteUser", "",
		},
		{"the rest is moto's", "ListUsers", `{}`, nil, nil, "{}", "ListUsers", ""},
	} {
		asked, bodies, moto, local = nil, "", c.moto, with(c.local)
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(c.body))
		r.Header.Set("X-Amz-Target", peers.CognitoTarget+c.call)
		w := httptest.NewRecorder()
		f.ServeHTTP(w, r)
		if !strings.Contains(w.Body.String(), c.answer) || !slices.Equal(asked, strings.Fields(c.asked)) || !strings.Contains(bodies, c.sent) {
			t.Errorf("%s: %d %s; %q were asked with %s, want %s, %q with %s", c.says, w.Code, w.Body, asked, bodies, c.answer, c.asked, c.sent)
		}
	}
}
