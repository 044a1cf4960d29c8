//go:build peers

package cognito_test

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/cognito"
	"github.com/steward-crm/steward/shared/identity/identitytest"
	"github.com/steward-crm/steward/shared/peertest"
)

func TestContractOnMoto(t *testing.T) {
	o := onMoto(t, peers.Moto(t), false)
	identitytest.Run(t, func(*testing.T) identitytest.Subject {
		return identitytest.Subject{Identity: cognito.New(o), Now: time.Now}
	}, peertest.Lacks{
		"a session is bound to its user and its challenge": "moto takes any user and challenge: TestMethods, on stub answers",
		"a session is used once":                           "moto says ResourceNotFound: TestMethods, on stub answers",
		"a session of the disabled is refused":             "moto takes it: TestMethods, on stub answers",
		"refreshing keeps the time of the sign-in":         "moto begins it anew: nothing here holds it but Cognito's promise",
		"what is no refresh token is refused":              "moto ends with status 500: TestContractOnCognitoLocal",
		"revocation":                                       "moto has no RevokeToken: TestContractOnCognitoLocal",
		"the disabled do not refresh":                      "moto refreshes them: TestMethods, on stub answers",
		"the deleted do not refresh":                       "moto ends with status 500: TestContractOnCognitoLocal",
		"a revoked sign-in enrols nobody":                  "moto has no RevokeToken: TestMethods, on stub answers",
		"codes of a second factor are judged":              "moto takes any code: TestContractOnCognitoLocal, TestMethods",
		"a second factor is taken away":                    "moto ignores settings that say nothing, which is how the SDK says false: TestMethods, on stub answers",
		"the header of a token":                            "moto adds a typ: nothing here holds it but Cognito's promise",
		"races":                                            "moto keeps sessions without a lock: nothing here holds it but Cognito's promise",
	})
}

func TestContractOnCognitoLocal(t *testing.T) {
	o := onCognitoLocal(t, peers.CognitoLocal(t))
	identitytest.Run(t, func(*testing.T) identitytest.Subject {
		return identitytest.Subject{Identity: cognito.New(o), Now: time.Now}
	}, peertest.Lacks{
		"users":      "cognito-local has no pages: TestContractOnMoto",
		"sign-in":    "a wrong password has another code on cognito-local: TestContractOnMoto",
		"refusals":   "the same, and the disabled sign in: TestContractOnMoto",
		"challenges": "cognito-local puts none to AdminInitiateAuth: TestContractOnMoto",
		"passwords":  "cognito-local judges none: TestContractOnMoto",
		"tokens":     "cognito-local's have no origin_jti: TestContractOnMoto",
		"races":      "cognito-local keeps no sessions: nothing here holds it but Cognito's promise",

		"refreshing keeps the time of the sign-in": "cognito-local begins it anew: nothing here holds it but Cognito's promise",
		"a sign-in has an id":                      "cognito-local's tokens have no origin_jti: TestContractOnMoto",
		"the header of a token":                    "cognito-local adds a typ: nothing here holds it but Cognito's promise",
		"signing out everywhere":                   "cognito-local has no AdminUserGlobalSignOut: TestContractOnMoto",
		"the disabled do not refresh":              "cognito-local refreshes them: TestMethods, on stub answers",
		"a second factor is asked for":             "cognito-local puts no challenge to AdminInitiateAuth: TestContractOnMoto",
		"a second factor is taken away":            "cognito-local has no AdminSetUserMFAPreference: TestMethods, on stub answers",
		"a revoked sign-in enrols nobody":          "cognito-local verifies no token: TestMethods, on stub answers",
		"a token that was changed enrols nobody":   "cognito-local verifies none: TestContractOnMoto",
	})
}

// TestTheVerifierOnMoto: edge takes the access tokens of the pool, and no other token of it. cognito-local's lack origin_jti, so that no sign-in
// of theirs could be ended; they are refused.
func TestTheVerifierOnMoto(t *testing.T) {
	o := onMoto(t, peers.Moto(t), false)
	p := cognito.New(o)
	v := edge.NewVerifier(p, time.Now)
	access, idToken := bothTokens(t, p, o)
	c, err := v.Authenticate(t.Context(), access)
	if err != nil || c.Name != ann || c.Session == "" {
		t.Errorf("the access token: %+v, %v", c, err)
	}
	if _, err := v.Authenticate(t.Context(), idToken); !fault.IsKind(err, fault.Unauthenticated) {
		t.Errorf("the id token: %v", err)
	}
	o.ClientID = "another"
	if _, err := edge.NewVerifier(cognito.New(o), time.Now).Authenticate(t.Context(), access); !fault.IsKind(err, fault.Unauthenticated) {
		t.Errorf("a token of another client: %v", err)
	}
	o.Issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_other"
	if _, err := edge.NewVerifier(cognito.New(o), time.Now).Authenticate(t.Context(), access); !fault.IsKind(err, fault.Unauthenticated) {
		t.Errorf("a token of another pool: %v", err)
	}

	local := onCognitoLocal(t, peers.CognitoLocal(t))
	p = cognito.New(local)
	access, idToken = bothTokens(t, p, local)
	for what, token := range map[string]string{"access": access, "id": idToken} {
		if _, err := edge.NewVerifier(p, time.Now).Authenticate(t.Context(), token); !fault.IsKind(err, fault.Unauthenticated) {
			t.Errorf("the %s token of cognito-local: %v", what, err)
		}
	}
}

// TestTheSecretOnMoto: moto verifies the hash that the client's secret makes, where a second factor is answered.
func TestTheSecretOnMoto(t *testing.T) {
	o := onMoto(t, peers.Moto(t), true)
	for _, secret := range []string{o.Secret, "another"} {
		o.Secret = secret
		p := cognito.New(o)
		must(t, p.Delete(t.Context(), ann))
		must(t, p.CreateUser(t.Context(), ann, "", "", password, time.Hour))
		must(t, p.SetPassword(t.Context(), ann, password))
		out, err := p.Authenticate(t.Context(), ann, password)
		must(t, err)
		token := identity.AccessToken(out.Tokens.Access)
		_, err = p.EnrolTOTP(t.Context(), ann, token)
		must(t, err)
		must(t, p.ConfirmTOTP(t.Context(), ann, token, "123456"))
		out, err = p.Authenticate(t.Context(), ann, password)
		must(t, err)
		if _, err = p.AnswerTOTP(t.Context(), ann, out.Session, "123456"); (err == nil) != (secret != "another") {
			t.Errorf("the secret %q: %v", secret[:3], err)
		}
	}
}

// TestTemporaryPasswordsEnd: the pool's own limit is for all of them; the adapter's clock and attribute decide.
func TestTemporaryPasswordsEnd(t *testing.T) {
	o := onMoto(t, peers.Moto(t), false)
	at := time.Now()
	o.Now = func() time.Time { return at }
	p := cognito.New(o)
	must(t, p.CreateUser(t.Context(), ann, "", "", password, time.Hour))
	at = at.Add(59 * time.Minute)
	out, err := p.Authenticate(t.Context(), ann, password)
	if err != nil || out.Challenge != identity.NewPassword {
		t.Errorf("within its time: %+v, %v", out, err)
	}
	at = at.Add(time.Minute)
	if out, err = p.Authenticate(t.Context(), ann, password); !fault.Is(err, "credentials_invalid") || out.Session != "" {
		t.Errorf("after its time: %+v, %v", out, err)
	}
	must(t, p.SetTemporaryPassword(t.Context(), ann, password, time.Hour))
	if out, err = p.Authenticate(t.Context(), ann, password); err != nil || out.Challenge != identity.NewPassword {
		t.Errorf("given anew: %+v, %v", out, err)
	}
}

// TestCheckOnMoto: a pool as Steward needs it passes, and one that is bare says all that it lacks.
func TestCheckOnMoto(t *testing.T) {
	moto := peers.Moto(t)
	o := onMoto(t, moto, true)
	if err := cognito.New(o).Check(t.Context()); err != nil {
		t.Errorf("a right pool: %v", err)
	}
	o.Secret = "another"
	says(t, "another secret", cognito.New(o).Check(t.Context()), "the secret of client")
	o.ClientID = "another"
	says(t, "another client", cognito.New(o).Check(t.Context()), "client another")
	made, err := o.Client.CreateUserPool(t.Context(), &cognitoidentityprovider.CreateUserPoolInput{
		PoolName: aws.String("bare"), AliasAttributes: []types.AliasAttributeType{types.AliasAttributeTypeEmail},
		AutoVerifiedAttributes: []types.VerifiedAttributeType{types.VerifiedAttributeTypeEmail},
		UsernameConfiguration:  &types.UsernameConfigurationType{CaseSensitive: aws.Bool(false)},
		Schema:                 []types.SchemaAttributeType{{Name: aws.String("tempEnds"), AttributeDataType: types.AttributeDataTypeNumber, Mutable: aws.Bool(false)}},
	})
	must(t, err)
	o.Pool = *made.UserPool.Id
	bare, err := o.Client.CreateUserPoolClient(t.Context(), &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &o.Pool, ClientName: aws.String("bare"), EnableTokenRevocation: aws.Bool(false),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowUserSrpAuth},
	})
	must(t, err)
	o.ClientID = *bare.UserPoolClient.ClientId
	says(t, "a bare pool", cognito.New(o).Check(t.Context()), "case-insensitive", "sign in with an address", "codes of its own", "anybody may sign up",
		"not OPTIONAL", "custom:tempEnds, mutable, is missing", "temporary passwords live", "may not use ADMIN_USER_PASSWORD_AUTH", "a way in past Steward", "cannot revoke", "WriteAttributes")
	o.Pool = "us-east-1_none"
	says(t, "no pool", cognito.New(o).Check(t.Context()), "pool us-east-1_none in us-east-1")
}

// create makes a pool and a client as Steward needs them, as far as the peer knows the words.
func create(t *testing.T, o cognito.Options, secret bool, signsInWith ...types.UsernameAttributeType) cognito.Options {
	t.Helper()
	made, err := o.Client.CreateUserPool(t.Context(), &cognitoidentityprovider.CreateUserPoolInput{
		PoolName: aws.String("steward"), MfaConfiguration: types.UserPoolMfaTypeOptional,
		UsernameConfiguration: &types.UsernameConfigurationType{CaseSensitive: aws.Bool(true)},
		UsernameAttributes:    signsInWith,
		AdminCreateUserConfig: &types.AdminCreateUserConfigType{AllowAdminCreateUserOnly: true},
		Policies:              &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(8), TemporaryPasswordValidityDays: 365}},
		Schema:                []types.SchemaAttributeType{{Name: aws.String("tempEnds"), AttributeDataType: types.AttributeDataTypeNumber, Mutable: aws.Bool(true)}},
	})
	must(t, err)
	o.Pool, o.Now = *made.UserPool.Id, time.Now
	c, err := o.Client.CreateUserPoolClient(t.Context(), &cognitoidentityprovider.CreateUserPoolClientInput{
		UserPoolId: &o.Pool, ClientName: aws.String("steward"), GenerateSecret: secret, EnableTokenRevocation: aws.Bool(true),
		ExplicitAuthFlows: []types.ExplicitAuthFlowsType{types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth},
		WriteAttributes:   []string{"locale"},
	})
	must(t, err)
	o.ClientID, o.Secret = *c.UserPoolClient.ClientId, aws.ToString(c.UserPoolClient.ClientSecret)
	return o
}

func onMoto(t *testing.T, moto string, secret bool) cognito.Options {
	t.Helper()
	return create(t, bridged(options(moto), bridge{to: moto}), secret)
}

func onCognitoLocal(t *testing.T, local string) cognito.Options {
	t.Helper()
	// cognito-local has no pools whose users sign in by name alone; the number leaves names as they are.
	o := create(t, bridged(options(local), bridge{to: local, preference: true}), false, types.UsernameAttributeTypePhoneNumber)
	o.Issuer = local + "/" + o.Pool
	return o
}

func bridged(o cognito.Options, b bridge) cognito.Options {
	o.HTTP = &http.Client{Transport: b}
	with := o.Client.Options()
	with.HTTPClient = o.HTTP
	o.Client = cognitoidentityprovider.New(with)
	return o
}

// bridge takes requests to the peer that it would not understand as they are: the keys, which are at another host; GetTokensFromRefreshToken, for
// which neither peer has more than its forerunner; and, for cognito-local, the preference for a second factor, which it sets with the
// confirmation already.
type bridge struct {
	to         string
	preference bool
}

func (b bridge) RoundTrip(r *http.Request) (*http.Response, error) {
	to, err := url.Parse(b.to)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = to.Scheme, to.Host, to.Host
	if r.Method == http.MethodGet {
		r.Header.Set("Authorization", peers.ForCognito)
	}
	switch target := r.Header.Get("X-Amz-Target"); {
	case target == peers.CognitoTarget+"AdminSetUserMFAPreference" && b.preference:
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
	case target == peers.CognitoTarget+"GetTokensFromRefreshToken":
		sent, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		call, body, err := peers.Refresh(sent, "")
		if err != nil {
			return nil, err
		}
		r.Header.Set("X-Amz-Target", peers.CognitoTarget+call)
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return peers.Client().Transport.RoundTrip(r)
}

// bothTokens signs a user in and gives the access token and the id token, which the adapter throws away.
func bothTokens(t *testing.T, p *cognito.Provider, o cognito.Options) (access, idToken string) {
	t.Helper()
	must(t, p.CreateUser(t.Context(), ann, "", "", password, time.Hour))
	must(t, p.SetPassword(t.Context(), ann, password))
	out, err := p.Authenticate(t.Context(), ann, password)
	must(t, err)
	both, err := o.Client.AdminInitiateAuth(t.Context(), &cognitoidentityprovider.AdminInitiateAuthInput{
		UserPoolId: &o.Pool, ClientId: &o.ClientID, AuthFlow: types.AuthFlowTypeRefreshTokenAuth,
		AuthParameters: map[string]string{"REFRESH_TOKEN": out.Tokens.Refresh},
	})
	must(t, err)
	return out.Tokens.Access, *both.AuthenticationResult.IdToken
}
