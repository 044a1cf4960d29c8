package peers

import "github.com/go-json-experiment/json"

// CognitoTarget begins the header X-Amz-Target of a request to Cognito.
const CognitoTarget = "AWSCognitoIdentityProviderService."

// ForCognito is the Authorization header by which moto takes a request that nobody signed, such as one for a pool's keys, for one to Cognito.
const ForCognito = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cognito-idp/aws4_request, SignedHeaders=host, Signature=0"

// Refresh puts the body of GetTokensFromRefreshToken, which no peer knows, in the words of its forerunner, the flow REFRESH_TOKEN_AUTH, and gives
// the call that it is then: AdminInitiateAuth in the pool, or InitiateAuth when pool is "". moto wants a hash of the user's name of the latter
// where the client has a secret.
func Refresh(body []byte, pool string) (call string, out []byte, err error) {
	var in struct{ ClientId, RefreshToken string } //nolint:revive // Cognito's names
	if err := json.Unmarshal(body, &in); err != nil {
		return "", nil, err
	}
	call = "AdminInitiateAuth"
	as := map[string]any{
		"ClientId": in.ClientId, "AuthFlow": "REFRESH_TOKEN_AUTH", "AuthParameters": map[string]string{"REFRESH_TOKEN": in.RefreshToken}, "UserPoolId": pool,
	}
	if pool == "" {
		call = "InitiateAuth"
		delete(as, "UserPoolId")
	}
	out, err = json.Marshal(as)
	return call, out, err
}
