package cognito_test

import (
	"context"
	"fmt"
	"time"

	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/cognito"
)

// against is what Cognito has against who wants to sign in.
var against = []reply{
	failed("NotAuthorizedException", "Incorrect username or password."), failed("NotAuthorizedException", "User is disabled."),
	failed("NotAuthorizedException", "Password attempts exceeded"), failed("NotAuthorizedException", "Temporary password has expired and must be reset by an administrator."),
	failed("UserNotFoundException", "User does not exist."), failed("UserNotConfirmedException", "User is not confirmed."), failed("PasswordResetRequiredException", "Password reset required for the user"),
}

// dead is what Cognito has against an answer to a challenge.
var dead = []reply{
	failed("NotAuthorizedException", "Invalid session for the user, session can only be used once."), failed("NotAuthorizedException", "Invalid session for the user, session is expired."),
	failed("NotAuthorizedException", "User is disabled."), failed("CodeMismatchException", "Invalid session for the user."), failed("InvalidParameterException", "Value at 'session' failed to satisfy constraint"),
	failed("UserNotFoundException", "User does not exist."),
}

func each(method, name string, replies []reply, do func(context.Context, *cognito.Provider) (any, error), code errorCode) (out []row) {
	for i, r := range replies {
		out = append(out, row{method, fmt.Sprintf("%s %d", name, i), []reply{r}, do, code, ""})
	}
	return out
}

// brief is an outcome in the form that rows compare.
func brief(o identity.Outcome, err error) (any, error) {
	if o.Tokens != nil {
		return *o.Tokens, err
	}
	return string(o.Challenge) + " " + o.Session, err
}

func signInRows() []row {
	enter := func(ctx context.Context, p *cognito.Provider) (any, error) {
		return brief(p.Authenticate(ctx, ann, password))
	}
	renew := func(ctx context.Context, p *cognito.Provider) (any, error) {
		return brief(p.AnswerNewPassword(ctx, ann, session, password))
	}
	check := nothing(func(ctx context.Context, p *cognito.Provider) error { return p.CheckPassword(ctx, ann, password) })
	tokens := identity.Tokens{Access: "a", Refresh: "r", ExpiresIn: 15 * time.Minute}
	const ask = `AdminInitiateAuth {"AuthFlow":"ADMIN_USER_PASSWORD_AUTH","AuthParameters":{"PASSWORD":"DIGEST",ANN},CLIENT,POOL}`
	const askNew = `AdminRespondToAuthChallenge {"ChallengeName":"NEW_PASSWORD_REQUIRED","ChallengeResponses":{"NEW_PASSWORD":"DIGEST",ANN},CLIENT,SESSION,POOL}`
	out := []row{
		{"Authenticate", "signed in", []reply{signed}, enter, tokens, ask},
		{"Authenticate", "a temporary password", []reply{asksNew, held("FORCE_CHANGE_PASSWORD", true, 1, "")}, enter, "new_password " + session, ask + "\nAdminGetUser {POOL,ANN}"},
		{"Authenticate", "a temporary password that has ended", []reply{asksNew, held("FORCE_CHANGE_PASSWORD", true, 0, "")}, enter, errorCode("credentials_invalid"), ""},
		{"Authenticate", "a temporary password without an end", []reply{asksNew, `{"Enabled":true,"UserStatus":"FORCE_CHANGE_PASSWORD"}`}, enter, errorCode("credentials_invalid"), ""},
		{"Authenticate", "deleted meanwhile", []reply{asksNew, failed("UserNotFoundException", "User does not exist.")}, enter, errorCode("credentials_invalid"), ""},
		{"Authenticate", "a second factor", []reply{asksOTP}, enter, "totp " + session, ask},
		{"Authenticate", "a challenge that is not ours", []reply{`{"ChallengeName":"MFA_SETUP","Session":"` + session + `"}`}, enter, errorCode("internal"), ""},
		{"Authenticate", "a flow that the client may not use", []reply{failed("InvalidParameterException", "Auth flow not enabled for this client")}, enter, errorCode("internal"), ""},
		{"Authenticate", "no name", nil, func(ctx context.Context, p *cognito.Provider) (any, error) {
			return brief(p.Authenticate(ctx, "not~a name", password))
		}, errorCode("credentials_invalid"), "-"},

		{"AnswerNewPassword", "signed in", []reply{signed}, renew, tokens, askNew},
		{"AnswerNewPassword", "then a second factor", []reply{asksOTP}, renew, "totp " + session, askNew},
		{"AnswerNewPassword", "against the pool's rule", []reply{failed("InvalidPasswordException", "Password does not conform to policy")}, renew, errorCode("password_refused"), ""},
		{"AnswerNewPassword", "too short", nil, func(ctx context.Context, p *cognito.Provider) (any, error) {
			return brief(p.AnswerNewPassword(ctx, ann, session, "short"))
		}, errorCode("password_refused"), "-"},
		{"AnswerNewPassword", "no session", nil, func(ctx context.Context, p *cognito.Provider) (any, error) {
			return brief(p.AnswerNewPassword(ctx, ann, "", password))
		}, errorCode("credentials_invalid"), "-"},

		{"CheckPassword", "right", []reply{signed, done}, check, nil, ask + "\n" + `RevokeToken {CLIENT,"Token":"r"}`},
		{"CheckPassword", "right, and the end of it fails", []reply{signed, failed("TooManyRequestsException", "Rate exceeded")}, check, nil, ""},
		{"CheckPassword", "right, with a second factor", []reply{asksOTP}, check, nil, ask},
		{"CheckPassword", "a temporary one", []reply{asksNew}, check, errorCode("credentials_invalid"), ask},
	}
	for method, do := range map[string]func(context.Context, *cognito.Provider) (any, error){"Authenticate": enter, "CheckPassword": check} {
		out = append(out, each(method, "refused", against, do, "credentials_invalid")...)
		out = append(out, row{method, "another secret", []reply{failed("NotAuthorizedException", "Unable to verify secret hash for client 1234567890client")}, do, errorCode("identity_unavailable"), ""})
	}
	return append(out, each("AnswerNewPassword", "dead", dead, renew, "credentials_invalid")...)
}

func tokenRows() []row {
	refresh := some(func(ctx context.Context, p *cognito.Provider) (identity.Tokens, error) { return p.Refresh(ctx, "old") })
	revoke := nothing(func(ctx context.Context, p *cognito.Provider) error { return p.Revoke(ctx, "old") })
	const ask = `GetTokensFromRefreshToken {CLIENT,"RefreshToken":"old"}`
	out := []row{
		{"Refresh", "rotated", []reply{signed}, refresh, identity.Tokens{Access: "a", Refresh: "r", ExpiresIn: 15 * time.Minute}, ask},
		{"Refresh", "not rotated", []reply{`{"AuthenticationResult":{"AccessToken":"a","ExpiresIn":900,"TokenType":"Bearer"}}`}, refresh, identity.Tokens{Access: "a", Refresh: "old", ExpiresIn: 15 * time.Minute}, ask},
		{"Refresh", "no tokens", []reply{done}, refresh, errorCode("internal"), ""},
		{"Refresh", "nothing", nil, some(func(ctx context.Context, p *cognito.Provider) (identity.Tokens, error) { return p.Refresh(ctx, "") }), errorCode("credentials_invalid"), "-"},
		{"Refresh", "another secret", []reply{failed("NotAuthorizedException", "Client secret does not match")}, refresh, errorCode("identity_unavailable"), ""},
		{"Revoke", "alive", []reply{done}, revoke, nil, `RevokeToken {CLIENT,"Token":"old"}`},
		{"Revoke", "nothing", nil, nothing(func(ctx context.Context, p *cognito.Provider) error { return p.Revoke(ctx, "") }), nil, "-"},
	}
	for i, r := range []reply{
		failed("NotAuthorizedException", "Invalid Refresh Token"), failed("NotAuthorizedException", "Refresh Token has expired"), failed("NotAuthorizedException", "Refresh Token has been revoked"),
		failed("NotAuthorizedException", "User is disabled."), failed("RefreshTokenReuseException", "Refresh token has been invalidated by rotation"), failed("UserNotFoundException", "User does not exist."),
		failed("InvalidParameterException", "Value at 'refreshToken' failed to satisfy constraint"),
	} {
		out = append(out, row{"Refresh", fmt.Sprint("refused ", i), []reply{r}, refresh, errorCode("credentials_invalid"), ""})
	}
	for i, r := range []reply{
		failed("NotAuthorizedException", "Invalid Refresh Token"), failed("UnauthorizedException", "Invalid token"), failed("UnsupportedTokenTypeException", "Unsupported token type"),
		failed("InvalidParameterException", "Value at 'token' failed to satisfy constraint"),
	} {
		out = append(out, row{"Revoke", fmt.Sprint("dead already ", i), []reply{r}, revoke, nil, ""})
	}
	return out
}

func factorRows() []row {
	answer := func(ctx context.Context, p *cognito.Provider) (any, error) {
		return brief(p.AnswerTOTP(ctx, ann, session, "123456"))
	}
	enrol := some(func(ctx context.Context, p *cognito.Provider) (string, error) {
		return p.EnrolTOTP(ctx, ann, tokenOf(ann))
	})
	confirm := nothing(func(ctx context.Context, p *cognito.Provider) error {
		return p.ConfirmTOTP(ctx, ann, tokenOf(ann), "123456")
	})
	reset := nothing(func(ctx context.Context, p *cognito.Provider) error { return p.ResetMFA(ctx, ann) })
	ended := failed("NotAuthorizedException", "Access Token has been revoked")
	const prefer = `AdminSetUserMFAPreference {"SoftwareTokenMfaSettings":{"Enabled":true,"PreferredMfa":true},POOL,ANN}`
	out := []row{
		{"AnswerTOTP", "signed in", []reply{signed}, answer, identity.Tokens{Access: "a", Refresh: "r", ExpiresIn: 15 * time.Minute}, `AdminRespondToAuthChallenge {"ChallengeName":"SOFTWARE_TOKEN_MFA","ChallengeResponses":{"SOFTWARE_TOKEN_MFA_CODE":"123456",ANN},CLIENT,SESSION,POOL}`},
		{"AnswerTOTP", "a wrong code", []reply{failed("CodeMismatchException", "Invalid code received for user")}, answer, errorCode("credentials_invalid"), ""},
		{"AnswerTOTP", "a code again", []reply{failed("ExpiredCodeException", "Your software token has already been used once.")}, answer, errorCode("credentials_invalid"), ""},
		{"AnswerTOTP", "no code", nil, func(ctx context.Context, p *cognito.Provider) (any, error) {
			return brief(p.AnswerTOTP(ctx, ann, session, "12345x"))
		}, errorCode("credentials_invalid"), "-"},

		{"EnrolTOTP", "fresh", []reply{`{"SecretCode":"ABCDEFGH"}`}, enrol, "ABCDEFGH", `AssociateSoftwareToken {"AccessToken":"TOKEN"}`},
		{"EnrolTOTP", "an ended sign-in", []reply{ended}, enrol, errorCode("credentials_invalid"), ""},
		{"EnrolTOTP", "another user's token", nil, some(func(ctx context.Context, p *cognito.Provider) (string, error) {
			return p.EnrolTOTP(ctx, bob, tokenOf(ann))
		}), errorCode("credentials_invalid"), "-"},

		{"ConfirmTOTP", "right", []reply{`{"Status":"SUCCESS"}`, done}, confirm, nil, `VerifySoftwareToken {"AccessToken":"TOKEN","UserCode":"123456"}` + "\n" + prefer},
		{"ConfirmTOTP", "a wrong status", []reply{`{"Status":"ERROR"}`}, confirm, errorCode("code_invalid"), ""},
		{"ConfirmTOTP", "an ended sign-in", []reply{ended}, confirm, errorCode("credentials_invalid"), ""},
		{"ConfirmTOTP", "another user's token", nil, nothing(func(ctx context.Context, p *cognito.Provider) error {
			return p.ConfirmTOTP(ctx, bob, tokenOf(ann), "123456")
		}), errorCode("credentials_invalid"), "-"},
		{"ConfirmTOTP", "no code", nil, nothing(func(ctx context.Context, p *cognito.Provider) error {
			return p.ConfirmTOTP(ctx, ann, tokenOf(ann), "no")
		}), errorCode("code_invalid"), "-"},

		{"ResetMFA", "answered", []reply{done}, reset, nil, `AdminSetUserMFAPreference {"SoftwareTokenMfaSettings":{},POOL,ANN}`},
		{"ResetMFA", "unknown", []reply{failed("UserNotFoundException", "User does not exist.")}, reset, errorCode("user_unknown"), ""},
	}
	for i, r := range []reply{
		failed("EnableSoftwareTokenMFAException", "Code mismatch"), failed("CodeMismatchException", "Code mismatch"), failed("ExpiredCodeException", "Your software token has already been used once."),
		failed("SoftwareTokenMFANotFoundException", "Software token MFA has not been enabled by the user"), failed("InvalidParameterException", "User has not associated a software token"),
	} {
		out = append(out, row{"ConfirmTOTP", fmt.Sprint("a wrong code ", i), []reply{r}, confirm, errorCode("code_invalid"), ""})
	}
	return append(out, each("AnswerTOTP", "dead", dead, answer, "credentials_invalid")...)
}
