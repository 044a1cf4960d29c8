package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/smithy-go"
)

// twins are users of cognito-local, which is right where moto is wrong: about what was revoked, and about second factors. A user of moto has a
// twin that signs in whenever they do, and another for each second factor that they enrol: so a factor stays in force while the next one waits
// for its code. All have one password, which nobody else knows.
type twins struct {
	client              *cognitoidentityprovider.Client
	pool, app, password string
}

func newTwins(ctx context.Context, url string) (*twins, error) {
	t := &twins{
		client:   cognitoidentityprovider.New(cognitoidentityprovider.Options{Region: region, Credentials: credentials{}, BaseEndpoint: &url}),
		password: rand.Text(),
	}
	// cognito-local has no pools whose users sign in by name alone; the number leaves names as they are.
	made, err := t.client.CreateUserPool(ctx, &cognitoidentityprovider.CreateUserPoolInput{
		PoolName: aws.String("twins"), UsernameAttributes: []idp.UsernameAttributeType{idp.UsernameAttributeTypePhoneNumber},
	})
	if err != nil {
		return nil, fmt.Errorf("cognito-local: %w", err)
	}
	t.pool = aws.ToString(made.UserPool.Id)
	app, err := t.client.CreateUserPoolClient(ctx, &cognitoidentityprovider.CreateUserPoolClientInput{UserPoolId: &t.pool, ClientName: aws.String("front")})
	if err != nil {
		return nil, fmt.Errorf("cognito-local: %w", err)
	}
	t.app = aws.ToString(app.UserPoolClient.ClientId)
	return t, nil
}

// enter signs the twin in, and makes it first when there is none.
func (t *twins) enter(ctx context.Context, name string) (access, refresh string, err error) {
	access, refresh, err = t.signIn(ctx, name)
	if !is(err, "NotAuthorizedException") {
		return access, refresh, err
	}
	if _, err := t.client.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: &t.pool, Username: &name, MessageAction: idp.MessageActionTypeSuppress,
	}); err != nil {
		return "", "", err
	}
	if _, err := t.client.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &t.pool, Username: &name, Password: &t.password, Permanent: true,
	}); err != nil {
		return "", "", err
	}
	return t.signIn(ctx, name)
}

func (t *twins) signIn(ctx context.Context, name string) (access, refresh string, err error) {
	out, err := t.client.AdminInitiateAuth(ctx, &cognitoidentityprovider.AdminInitiateAuthInput{
		UserPoolId: &t.pool, ClientId: &t.app, AuthFlow: idp.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": t.password},
	})
	if err != nil {
		return "", "", err
	}
	if out.AuthenticationResult == nil {
		return "", "", fmt.Errorf("cognito-local asks a twin for %s", out.ChallengeName)
	}
	return aws.ToString(out.AuthenticationResult.AccessToken), aws.ToString(out.AuthenticationResult.RefreshToken), nil
}

// alive refuses a refresh token that was revoked, whose twin is gone, or that never was one.
func (t *twins) alive(ctx context.Context, refresh string) error {
	_, err := t.client.AdminInitiateAuth(ctx, &cognitoidentityprovider.AdminInitiateAuthInput{
		UserPoolId: &t.pool, ClientId: &t.app, AuthFlow: idp.AuthFlowTypeRefreshTokenAuth, AuthParameters: map[string]string{"REFRESH_TOKEN": refresh},
	})
	return err
}

func (t *twins) revoke(ctx context.Context, refresh string) error {
	_, err := t.client.RevokeToken(ctx, &cognitoidentityprovider.RevokeTokenInput{ClientId: &t.app, Token: &refresh})
	return err
}

// remove takes a twin away, with all that it signed in for. There may be none.
func (t *twins) remove(ctx context.Context, name string) error {
	_, err := t.client.AdminDeleteUser(ctx, &cognitoidentityprovider.AdminDeleteUserInput{UserPoolId: &t.pool, Username: &name})
	if is(err, "UserNotFoundException") {
		return nil
	}
	return err
}

// enrol gives the twin a fresh secret.
func (t *twins) enrol(ctx context.Context, access string) (secret string, err error) {
	out, err := t.client.AssociateSoftwareToken(ctx, &cognitoidentityprovider.AssociateSoftwareTokenInput{AccessToken: &access})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.SecretCode), nil
}

// judge refuses a code that is not one of the twin's secret now.
func (t *twins) judge(ctx context.Context, access, code string) error {
	out, err := t.client.VerifySoftwareToken(ctx, &cognitoidentityprovider.VerifySoftwareTokenInput{AccessToken: &access, UserCode: &code})
	if err == nil && out.Status != idp.VerifySoftwareTokenResponseTypeSuccess {
		err = refusal("CodeMismatchException", string(out.Status))
	}
	return err
}

// refusal is what Cognito would say no with.
func refusal(code, why string) error { return &smithy.GenericAPIError{Code: code, Message: why} }

func is(err error, code string) bool {
	e, ok := errors.AsType[smithy.APIError](err)
	return ok && e.ErrorCode() == code
}
