package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/aws/smithy-go"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/infra/peers"
)

// directory is Cognito as the functions see it: moto keeps the users, their passwords, sessions and tokens, and cognito-local judges what was
// revoked and the codes of second factors, on the twins. What neither is right about is kept here: what a session is for, that a session and a
// code are good once, and that a new password does not go around the second factor. infra/docs/peers.md says which call goes where.
type directory struct {
	mu         sync.Mutex // held while a request is answered: moto keeps sessions without a lock
	twins      *twins
	refreshing signIns            // by moto's refresh tokens
	access     signIns            // by its access tokens
	sessions   map[string]session // by moto's
	factors    int                // enrolled so far
	pending    map[string]factor  // by user: enrolled, and waiting for the first code
	inForce    map[string]factor  // by user
}

type signIns map[string]signIn

type signIn struct{ user, twin string } // twin: its refresh token

// twin gives the twin's refresh token. What nobody has got stands for itself, and cognito-local refuses it.
func (s signIns) twin(token string) string {
	if in, ok := s[token]; ok {
		return in.twin
	}
	return token
}

type session struct{ user, challenge string }

// factor is a second factor: the access token of its twin, and the codes that were taken.
type factor struct {
	twin  string
	spent map[string]bool
}

func newDirectory(t *twins) *directory {
	return &directory{
		twins: t, refreshing: signIns{}, access: signIns{}, sessions: map[string]session{}, pending: map[string]factor{}, inForce: map[string]factor{},
	}
}

// asked is what the front reads of a request to Cognito.
//
//nolint:revive // Cognito's names
type asked struct {
	ClientId, Username, AccessToken, UserCode, RefreshToken, Token, Session, ChallengeName string
	AuthParameters, ChallengeResponses                                                     map[string]string
	SoftwareTokenMfaSettings                                                               *struct{ Enabled, PreferredMfa bool }
}

const (
	newPassword = "NEW_PASSWORD_REQUIRED"
	totp        = "SOFTWARE_TOKEN_MFA"
)

// cognito answers a request to Cognito.
func (f *front) cognito(w http.ResponseWriter, r *http.Request, body []byte) {
	var in asked
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, "SerializationException", err.Error())
		return
	}
	d := f.directory
	d.mu.Lock()
	defer d.mu.Unlock()
	var a *whole
	var err error
	switch call := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), peers.CognitoTarget); call {
	case "AdminInitiateAuth":
		a, err = f.begin(r, body, in.AuthParameters["USERNAME"])
	case "AdminRespondToAuthChallenge":
		a, err = f.respond(r, body, &in)
	case "GetTokensFromRefreshToken":
		a, err = f.refresh(r, body, in.RefreshToken)
	case "RevokeToken":
		a, err = answered(struct{}{}), d.twins.revoke(r.Context(), d.refreshing.twin(in.Token))
	case "AssociateSoftwareToken":
		a, err = f.enrol(r, in.AccessToken)
	case "VerifySoftwareToken":
		a, err = f.confirm(r, body, &in)
	case "AdminSetUserMFAPreference":
		a, err = f.prefer(r, body, &in)
	case "AdminDisableUser", "AdminDeleteUser":
		a, err = f.end(r, body, in.Username, call == "AdminDeleteUser")
	default:
		a, err = f.ask(r, body)
	}
	switch e, refused := errors.AsType[smithy.APIError](err); {
	case refused:
		refuse(w, e.ErrorCode(), e.ErrorMessage())
	case err != nil:
		f.unanswered(w, r, err)
	default:
		a.send(w)
	}
}

// answered is an answer in Cognito's form.
func answered(out any) *whole {
	b, err := json.Marshal(out)
	if err != nil {
		panic(err) // of this package's own making
	}
	return &whole{status: http.StatusOK, header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, body: b}
}

// call asks moto for another call than the one that came.
func (f *front) call(r *http.Request, call string, in any) (*whole, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Header.Set("X-Amz-Target", peers.CognitoTarget+call)
	return f.ask(r, body)
}

// begin signs a user in on moto, and their twin with them.
func (f *front) begin(r *http.Request, body []byte, user string) (*whole, error) {
	a, err := f.ask(r, body)
	if err != nil {
		return nil, err
	}
	return a, f.begun(r, user, a)
}

// begun notes what moto has given out.
func (f *front) begun(r *http.Request, user string, a *whole) error {
	var out struct {
		Session, ChallengeName string
		AuthenticationResult   struct{ AccessToken, RefreshToken string }
	}
	if a.status != http.StatusOK || json.Unmarshal(a.body, &out) != nil {
		return nil // moto's refusal, or none of ours to read
	}
	d := f.directory
	if out.Session != "" {
		d.sessions[out.Session] = session{user, out.ChallengeName}
	}
	if t := out.AuthenticationResult; t.RefreshToken != "" {
		_, twin, err := d.twins.enter(r.Context(), user)
		if err != nil {
			return err
		}
		d.refreshing[t.RefreshToken], d.access[t.AccessToken] = signIn{user, twin}, signIn{user, twin}
	}
	return nil
}

// respond answers a challenge. moto takes any session for any user and any challenge, and any code.
func (f *front) respond(r *http.Request, body []byte, in *asked) (*whole, error) {
	d, user := f.directory, in.ChallengeResponses["USERNAME"]
	if s, ok := d.sessions[in.Session]; !ok || s != (session{user, in.ChallengeName}) {
		return nil, refusal("NotAuthorizedException", "Invalid session for the user.")
	}
	if in.ChallengeName == totp {
		if err := d.judge(r, d.inForce[user], in.ChallengeResponses[totp+"_CODE"]); err != nil {
			return nil, err
		}
	}
	a, err := f.ask(r, body)
	if err != nil || a.status != http.StatusOK {
		return a, err
	}
	delete(d.sessions, in.Session)
	if _, second := d.inForce[user]; second && in.ChallengeName == newPassword { // moto signs in at once: again, with what is right now
		with := map[string]string{"USERNAME": user, "PASSWORD": in.ChallengeResponses["NEW_PASSWORD"], "SECRET_HASH": in.ChallengeResponses["SECRET_HASH"]}
		if a, err = f.call(r, "AdminInitiateAuth", map[string]any{
			"UserPoolId": f.pool(), "ClientId": in.ClientId, "AuthFlow": "ADMIN_USER_PASSWORD_AUTH", "AuthParameters": with,
		}); err != nil {
			return nil, err
		}
	}
	return a, f.begun(r, user, a)
}

// pool is the id of moto's.
func (f *front) pool() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.there.pool
}

// judge has the factor's twin judge the code, and takes each once, which neither peer holds.
func (d *directory) judge(r *http.Request, second factor, code string) error {
	if second.twin == "" {
		return refusal("SoftwareTokenMFANotFoundException", "No software token is enrolled")
	}
	if second.spent[code] {
		return refusal("ExpiredCodeException", "Your software token has already been used once.")
	}
	if err := d.twins.judge(r.Context(), second.twin, code); err != nil {
		return err
	}
	second.spent[code] = true
	return nil
}

// refresh asks cognito-local whether the sign-in lives and moto for the tokens, which knows whether all of the user's were ended.
func (f *front) refresh(r *http.Request, body []byte, token string) (*whole, error) {
	d := f.directory
	if err := d.twins.alive(r.Context(), d.refreshing.twin(token)); err != nil {
		return nil, err
	}
	call, body, err := peers.Refresh(body, f.pool())
	if err != nil {
		return nil, err
	}
	a, err := f.call(r, call, jsontext.Value(body))
	var out struct{ AuthenticationResult struct{ AccessToken string } }
	if err == nil && a.status == http.StatusOK && json.Unmarshal(a.body, &out) == nil {
		d.access[out.AuthenticationResult.AccessToken] = d.refreshing[token]
	}
	return a, err
}

// owner gives whose access token it is. cognito-local knows whether its sign-in was revoked; moto, whether it is one, and whether all of the
// user's were ended: it is asked by a call that changes nothing there.
func (f *front) owner(r *http.Request, token string) (string, error) {
	d := f.directory
	if err := d.twins.alive(r.Context(), d.access.twin(token)); err != nil {
		return "", err
	}
	a, err := f.call(r, "AssociateSoftwareToken", map[string]string{"AccessToken": token})
	if err != nil {
		return "", err
	}
	if a.status != http.StatusOK {
		return "", refusal("NotAuthorizedException", "Invalid Access Token")
	}
	return d.access[token].user, nil
}

// enrol gives a secret of the user's own; moto has one for everybody.
func (f *front) enrol(r *http.Request, token string) (*whole, error) {
	user, err := f.owner(r, token)
	if err != nil {
		return nil, err
	}
	d := f.directory
	d.factors++
	twin, _, err := d.twins.enter(r.Context(), fmt.Sprintf("%s~%d", user, d.factors))
	if err != nil {
		return nil, err
	}
	secret, err := d.twins.enrol(r.Context(), twin)
	if err != nil {
		return nil, err
	}
	d.pending[user] = factor{twin, map[string]bool{}}
	return answered(map[string]string{"SecretCode": secret}), nil
}

// confirm puts the secret in force with its first code. moto, which takes any, learns of it after that.
func (f *front) confirm(r *http.Request, body []byte, in *asked) (*whole, error) {
	user, err := f.owner(r, in.AccessToken)
	if err != nil {
		return nil, err
	}
	d := f.directory
	second := d.pending[user]
	if err := d.judge(r, second, in.UserCode); err != nil {
		return nil, err
	}
	a, err := f.ask(r, body)
	if err == nil && a.status == http.StatusOK {
		d.inForce[user] = second
		delete(d.pending, user)
	}
	return a, err
}

// prefer tells moto what is switched off in words: it ignores settings that say nothing, which is how the SDK says false.
func (f *front) prefer(r *http.Request, body []byte, in *asked) (*whole, error) {
	if in.SoftwareTokenMfaSettings == nil {
		return f.ask(r, body)
	}
	var all map[string]any
	if err := json.Unmarshal(body, &all); err != nil {
		return nil, err
	}
	all["SoftwareTokenMfaSettings"] = in.SoftwareTokenMfaSettings
	return f.call(r, "AdminSetUserMFAPreference", all)
}

// end takes from a user who is disabled or deleted what moto leaves them: sessions, and what refreshes.
func (f *front) end(r *http.Request, body []byte, user string, deleted bool) (*whole, error) {
	a, err := f.ask(r, body)
	if err != nil || a.status != http.StatusOK {
		return a, err
	}
	d := f.directory
	for id, s := range d.sessions {
		if s.user == user {
			delete(d.sessions, id)
		}
	}
	if deleted {
		delete(d.pending, user)
		delete(d.inForce, user)
	}
	return a, d.twins.remove(r.Context(), user)
}
