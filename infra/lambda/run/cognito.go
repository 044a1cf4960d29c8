package main

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
)

const cognito = "AWSCognitoIdentityProviderService."

// asCognito makes moto take a request without a signature for one to Cognito.
const asCognito = "AWS4-HMAC-SHA256 Credential=test/20260101/" + region + "/cognito-idp/aws4_request, SignedHeaders=host, Signature=0"

// signedIn is what moto does not keep, or not as Cognito does: which refresh tokens live. moto knows no RevokeToken and ends with status 500 at a
// token that it does not know; and of GetTokensFromRefreshToken it knows only the forerunner, the flow REFRESH_TOKEN_AUTH, which asks for a hash
// of the user's name unless an administrator asks.
type signedIn map[string]bool

// cognito answers a request to Cognito.
func (f *front) cognito(w http.ResponseWriter, r *http.Request, body []byte) {
	var in struct {
		ClientId, RefreshToken, Token string //nolint:revive // Cognito's names
	}
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, "SerializationException", err.Error())
		return
	}
	switch strings.TrimPrefix(r.Header.Get("X-Amz-Target"), cognito) {
	case "RevokeToken":
		f.mu.Lock()
		delete(f.signedIn, in.Token)
		f.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		_, _ = w.Write([]byte("{}")) // the function went away
		return
	case "GetTokensFromRefreshToken":
		f.mu.Lock()
		lives, pool := f.signedIn[in.RefreshToken], f.pool
		f.mu.Unlock()
		if !lives {
			refuse(w, "NotAuthorizedException", "Refresh Token has been revoked")
			return
		}
		var err error
		if body, err = json.Marshal(map[string]any{
			"UserPoolId": pool, "ClientId": in.ClientId, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": map[string]string{"REFRESH_TOKEN": in.RefreshToken},
		}); err != nil {
			refuse(w, "InternalErrorException", err.Error())
			return
		}
		r.Header.Set("X-Amz-Target", cognito+"AdminInitiateAuth")
	}
	a := f.pass(w, r, body)
	var out struct {
		AuthenticationResult struct{ RefreshToken string }
	}
	if a == nil || json.Unmarshal(a.body, &out) != nil || out.AuthenticationResult.RefreshToken == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.signedIn[out.AuthenticationResult.RefreshToken] = true
}
