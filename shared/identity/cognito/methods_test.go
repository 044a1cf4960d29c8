package cognito_test

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/cognito"
)

// row is one use of a method: what Cognito answers, what the method makes of it, and what it asked.
type row struct {
	method, name string
	replies      []reply
	do           func(ctx context.Context, p *cognito.Provider) (any, error)
	want         any    // "" and nil: nothing but no error; an errorCode: that fault
	asks         string // one call a line; "-" for none; "" is not looked at
}

type errorCode string

// Answers that many rows share.
const (
	done    reply = `{}`
	signed  reply = `{"AuthenticationResult":{"AccessToken":"a","ExpiresIn":900,"IdToken":"i","RefreshToken":"r","TokenType":"Bearer"},"ChallengeParameters":{}}`
	asksNew reply = `{"ChallengeName":"NEW_PASSWORD_REQUIRED","Session":"` + session + `","ChallengeParameters":{"requiredAttributes":"[]","USER_ID_FOR_SRP":"x","userAttributes":"{}"}}`
	asksOTP reply = `{"ChallengeName":"SOFTWARE_TOKEN_MFA","Session":"` + session + `","ChallengeParameters":{"USER_ID_FOR_SRP":"x"}}`
)

// held is a user as AdminGetUser gives them; tempEnds is seconds after now.
func held(status string, enabled bool, tempEnds int, more string) reply {
	return reply(fmt.Sprintf(`{"Username":%q,"Enabled":%t,"UserStatus":%q,"UserCreateDate":1.7637E9,"UserLastModifiedDate":1.7952E9,"UserAttributes":[{"Name":"sub","Value":"s"},`+
		`{"Name":"email","Value":"li@example.com"},{"Name":"email_verified","Value":"true"},{"Name":"phone_number","Value":"+8613800138000"},`+
		`{"Name":"phone_number_verified","Value":"true"},{"Name":"custom:tempEnds","Value":"%d"}]%s}`, ann, enabled, status, now.Unix()+int64(tempEnds), more))
}

func nothing(f func(context.Context, *cognito.Provider) error) func(context.Context, *cognito.Provider) (any, error) {
	return func(ctx context.Context, p *cognito.Provider) (any, error) { return nil, f(ctx, p) }
}

func some[T any](f func(context.Context, *cognito.Provider) (T, error)) func(context.Context, *cognito.Provider) (any, error) {
	return func(ctx context.Context, p *cognito.Provider) (any, error) { return f(ctx, p) }
}

// TestMethods holds every method of the port to what AWS's API reference says of its calls (November 2026), where no peer is right about them and
// where one is.
func TestMethods(t *testing.T) {
	for _, r := range rows() {
		t.Run(r.method+"/"+r.name, func(t *testing.T) {
			s := newStub(t, r.replies...)
			got, err := r.do(t.Context(), cognito.New(options(s.url)))
			switch want := r.want.(type) {
			case errorCode:
				if !fault.Is(err, string(want)) || fault.Of(err).Kind != kinds[want] {
					t.Errorf("%v, want %s", err, want)
				}
				if want == "credentials_invalid" && (len(fault.Of(err).Args)+len(fault.Of(err).Fields) > 0 || fault.Of(err).RetryAfter != 0) {
					t.Error("the refusal tells more than the others")
				}
				if strings.Contains(fmt.Sprint(err), password) {
					t.Error("the error tells the password")
				}
			default:
				if err != nil {
					t.Fatal(err)
				}
				if want != nil && fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
					t.Errorf("got\n%+v\nwant\n%+v", got, want)
				}
			}
			asked := s.calls()
			for long, short := range map[string]string{
				`"UserPoolId":"` + pool + `"`: "POOL", `"ClientId":"` + client + `"`: "CLIENT", `"Username":"` + string(ann) + `"`: "ANN",
				`"USERNAME":"` + string(ann) + `"`: "ANN", digested: "DIGEST", `"Session":"` + session + `"`: "SESSION", string(tokenOf(ann)): "TOKEN",
			} {
				asked = strings.ReplaceAll(asked, long, short)
			}
			if want := strings.TrimPrefix(r.asks, "-"); r.asks != "" && asked != want {
				t.Errorf("asked\n%s\nwant\n%s", asked, want)
			}
			if len(s.replies) > 0 {
				t.Errorf("%d answers were not asked for", len(s.replies))
			}
		})
	}
}

var kinds = map[errorCode]fault.Kind{
	"credentials_invalid": fault.Unauthenticated, "code_invalid": fault.Malformed, "password_refused": fault.Invalid, "user_unknown": fault.NotFound,
	"user_exists": fault.Conflict, "identity_unavailable": fault.Unavailable, "internal": fault.Internal,
}

func rows() []row {
	all := append(userRows(), signInRows()...)
	all = append(all, tokenRows()...)
	return append(all, factorRows()...)
}

// trouble are the answers that are against nobody: each method gives them as the port's one word for an outage.
var trouble = []reply{
	failed("TooManyRequestsException", "Rate exceeded"), failed("LimitExceededException", "Attempt limit exceeded"), failed("ResourceNotFoundException", "User pool us-east-1_AAAAAAAAA does not exist."),
	failed("InternalErrorException", ""), failed("ExpiredTokenException", "The security token included in the request is expired"),
	failed("UnrecognizedClientException", "The security token included in the request is invalid."), `<html>no JSON at all</html>`,
}

// TestTrouble: whatever is not against the user is an outage, for every method, and so are a cancelled call and nobody there.
func TestTrouble(t *testing.T) {
	tried := map[string]bool{}
	for _, r := range rows() {
		if tried[r.method] || len(r.replies) == 0 {
			continue
		}
		tried[r.method] = true
		for _, answer := range trouble {
			_, err := r.do(t.Context(), cognito.New(options(newStub(t, answer).url)))
			if f := fault.Of(err); f == nil || f.Kind != fault.Unavailable || f.Code != "identity_unavailable" {
				t.Errorf("%s, answered %s: %v", r.method, answer, err)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for what, p := range map[string]*cognito.Provider{
			"cancelled": cognito.New(options(newStub(t, r.replies...).url)), "nobody there": cognito.New(options("http://127.0.0.1:1")),
		} {
			if _, err := r.do(gone, p); !fault.Is(err, "identity_unavailable") {
				t.Errorf("%s, %s: %v", r.method, what, err)
			}
		}
	}
	if len(tried) != reflect.TypeFor[identity.Identity]().NumMethod()-2 { // all but Issuer, which asks nobody, and JWKS, which has a test of its own
		t.Errorf("%d methods were tried", len(tried))
	}
}

func userRows() []row {
	create := nothing(func(ctx context.Context, p *cognito.Provider) error {
		return p.CreateUser(ctx, ann, "li@example.com", "+8613800138000", password, time.Hour)
	})
	get := some(func(ctx context.Context, p *cognito.Provider) (identity.User, error) { return p.GetUser(ctx, ann) })
	const ask = `AdminCreateUser {"MessageAction":"SUPPRESS","TemporaryPassword":"DIGEST","UserAttributes":[{"Name":"email","Value":"li@example.com"},{"Name":"email_verified","Value":"false"},{"Name":"phone_number","Value":"+8613800138000"},{"Name":"phone_number_verified","Value":"false"},{"Name":"custom:tempEnds","Value":"1795338000"}],POOL,ANN}`
	exists := failed("UsernameExistsException", "User account already exists")
	unknown := failed("UserNotFoundException", "User does not exist.")
	plain := func(method, call string, f func(context.Context, *cognito.Provider) error) []row {
		return []row{
			{method, "answered", []reply{done}, nothing(f), nil, call},
			{method, "unknown", []reply{unknown}, nothing(f), errorCode("user_unknown"), ""},
		}
	}
	out := []row{
		{"CreateUser", "fresh", []reply{`{"User":{"UserStatus":"FORCE_CHANGE_PASSWORD"}}`}, create, nil, ask},
		{"CreateUser", "without addresses", []reply{done}, nothing(func(ctx context.Context, p *cognito.Provider) error {
			return p.CreateUser(ctx, ann, "", "", password, time.Hour)
		}), nil, `AdminCreateUser {"MessageAction":"SUPPRESS","TemporaryPassword":"DIGEST","UserAttributes":[{"Name":"custom:tempEnds","Value":"1795338000"}],POOL,ANN}`},
		{
			"CreateUser", "again, not answered yet",
			[]reply{exists, held("FORCE_CHANGE_PASSWORD", true, 60, ""), done, done},
			create, nil,
			ask + "\nAdminGetUser {POOL,ANN}\n" + `AdminSetUserPassword {"Password":"DIGEST",POOL,ANN}` + "\n" +
				`AdminUpdateUserAttributes {"UserAttributes":[{"Name":"custom:tempEnds","Value":"1795338000"}],POOL,ANN}`,
		},
		{"CreateUser", "again, answered", []reply{exists, held("CONFIRMED", true, 60, "")}, create, errorCode("user_exists"), ""},
		{"CreateUser", "again, disabled", []reply{exists, held("FORCE_CHANGE_PASSWORD", false, 60, "")}, create, errorCode("user_exists"), ""},
		{"CreateUser", "an address that Cognito calls none", []reply{failed("InvalidParameterException", "Invalid email address format.")}, create, errorCode("internal"), ""},
		{"CreateUser", "a password against the pool's rule", []reply{failed("InvalidPasswordException", "Password did not conform with policy")}, create, errorCode("password_refused"), ""},

		{"GetUser", "active", []reply{held("CONFIRMED", true, 60, `,"UserMFASettingList":["SOFTWARE_TOKEN_MFA"],"PreferredMfaSetting":"SOFTWARE_TOKEN_MFA"`)}, get, identity.User{
			Name: ann, Email: "li@example.com", Phone: "+8613800138000", EmailVerified: true, PhoneVerified: true, Enabled: true, TOTPEnrolled: true,
			Changed: time.Unix(1795200000, 0).UTC(),
		}, "AdminGetUser {POOL,ANN}"},
		{"GetUser", "invited and disabled", []reply{held("FORCE_CHANGE_PASSWORD", false, 60, "")}, get, identity.User{
			Name: ann, Email: "li@example.com", Phone: "+8613800138000", EmailVerified: true, PhoneVerified: true, PasswordIsTemp: true,
			TempPasswordEnds: now.Add(time.Minute), Changed: time.Unix(1795200000, 0).UTC(),
		}, ""},
		{"GetUser", "unknown", []reply{unknown}, get, errorCode("user_unknown"), ""},

		{
			"ListUsers", "first page",
			[]reply{reply(`{"PaginationToken":"next","Users":[{"Username":"` + string(bob) + `","Enabled":true,"UserStatus":"CONFIRMED","Attributes":[{"Name":"email","Value":"han@example.com"}]}]}`)},
			some(func(ctx context.Context, p *cognito.Provider) (any, error) {
				users, next, err := p.ListUsers(ctx, "")
				return fmt.Sprintf("%+v %s", users, next), err
			}), fmt.Sprintf("%+v next", []identity.User{{Name: bob, Email: "han@example.com", Enabled: true}}), `ListUsers {"Limit":60,POOL}`,
		},
		{"ListUsers", "last page", []reply{`{"Users":[]}`}, some(func(ctx context.Context, p *cognito.Provider) (any, error) {
			users, next, err := p.ListUsers(ctx, "next")
			return fmt.Sprintf("%d %s", len(users), next), err
		}), "0 ", `ListUsers {"Limit":60,"PaginationToken":"next",POOL}`},

		{"SetAttributes", "another e-mail, no phone", []reply{held("CONFIRMED", true, 0, ""), done}, nothing(func(ctx context.Context, p *cognito.Provider) error {
			return p.SetAttributes(ctx, ann, "han@example.com", "")
		}), nil, "AdminGetUser {POOL,ANN}\n" + `AdminUpdateUserAttributes {"UserAttributes":[{"Name":"email","Value":"han@example.com"},{"Name":"email_verified","Value":"false"},{"Name":"phone_number","Value":""}],POOL,ANN}`},
		{"SetAttributes", "another phone, verified", []reply{held("CONFIRMED", true, 0, ""), done}, nothing(func(ctx context.Context, p *cognito.Provider) error {
			return p.SetAttributes(ctx, ann, "li@example.com", "+8613800138001", identity.Phone)
		}), nil, "AdminGetUser {POOL,ANN}\n" + `AdminUpdateUserAttributes {"UserAttributes":[{"Name":"email","Value":"li@example.com"},{"Name":"email_verified","Value":"true"},{"Name":"phone_number","Value":"+8613800138001"},{"Name":"phone_number_verified","Value":"true"}],POOL,ANN}`},
		{"SetAttributes", "another phone, an e-mail verified", []reply{held("CONFIRMED", true, 0, ""), done}, nothing(func(ctx context.Context, p *cognito.Provider) error {
			return p.SetAttributes(ctx, ann, "han@example.com", "+8613800138001", identity.Email)
		}), nil, "AdminGetUser {POOL,ANN}\n" + `AdminUpdateUserAttributes {"UserAttributes":[{"Name":"email","Value":"han@example.com"},{"Name":"email_verified","Value":"true"},{"Name":"phone_number","Value":"+8613800138001"},{"Name":"phone_number_verified","Value":"false"}],POOL,ANN}`},
		{"Delete", "answered", []reply{done}, nothing(func(ctx context.Context, p *cognito.Provider) error { return p.Delete(ctx, ann) }), nil, "AdminDeleteUser {POOL,ANN}"},
		{"Delete", "unknown", []reply{unknown}, nothing(func(ctx context.Context, p *cognito.Provider) error { return p.Delete(ctx, ann) }), nil, ""},
		{
			"SetTemporaryPassword", "answered",
			[]reply{done, done},
			nothing(func(ctx context.Context, p *cognito.Provider) error {
				return p.SetTemporaryPassword(ctx, ann, password, time.Hour)
			}), nil,
			`AdminSetUserPassword {"Password":"DIGEST",POOL,ANN}` + "\n" + `AdminUpdateUserAttributes {"UserAttributes":[{"Name":"custom:tempEnds","Value":"1795338000"}],POOL,ANN}`,
		},
		{"SetPassword", "one of the pool's history", []reply{failed("PasswordHistoryPolicyViolationException", "Password has previously been used")}, nothing(func(ctx context.Context, p *cognito.Provider) error {
			return p.SetPassword(ctx, ann, password)
		}), errorCode("password_refused"), ""},
	}
	out = append(out, plain("Disable", "AdminDisableUser {POOL,ANN}", func(ctx context.Context, p *cognito.Provider) error { return p.Disable(ctx, ann) })...)
	out = append(out, plain("Enable", "AdminEnableUser {POOL,ANN}", func(ctx context.Context, p *cognito.Provider) error { return p.Enable(ctx, ann) })...)
	out = append(out, plain("SignOutEverywhere", "AdminUserGlobalSignOut {POOL,ANN}", func(ctx context.Context, p *cognito.Provider) error { return p.SignOutEverywhere(ctx, ann) })...)
	return append(out, plain("SetPassword", `AdminSetUserPassword {"Password":"DIGEST","Permanent":true,POOL,ANN}`, func(ctx context.Context, p *cognito.Provider) error { return p.SetPassword(ctx, ann, password) })...)
}
