package cognito

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

// minSession is the shortest session that Cognito gives; a shorter one is not asked about.
const minSession = 20

// Authenticate answers as the port says. Cognito is asked about every name that could be one, known or not.
func (p *Provider) Authenticate(ctx context.Context, n identity.Name, password string) (identity.Outcome, error) {
	out, err := p.begin(ctx, n, password)
	if err != nil || out.Challenge != identity.NewPassword {
		return out, err
	}
	u, err := p.GetUser(ctx, n)
	if err != nil {
		return identity.Outcome{}, judge(err)
	}
	if !p.o.Now().Before(u.TempPasswordEnds) { // one that has no end was not made by Steward
		return identity.Outcome{}, refused(nil)
	}
	return out, nil
}

// CheckPassword answers as the port says. A sign-in that comes of it is ended at once: nobody holds it, so that it might live on, should that
// fail, would harm nobody.
func (p *Provider) CheckPassword(ctx context.Context, n identity.Name, password string) error {
	out, err := p.begin(ctx, n, password)
	switch {
	case err != nil:
		return err
	case out.Challenge == identity.NewPassword:
		return refused(nil)
	case out.Tokens != nil:
		_ = p.Revoke(context.WithoutCancel(ctx), out.Tokens.Refresh)
	}
	return nil // tokens, or the second factor was asked for: either way the password is right
}

func (p *Provider) begin(ctx context.Context, n identity.Name, password string) (identity.Outcome, error) {
	if _, _, ok := n.Split(); !ok {
		return identity.Outcome{}, refused(nil)
	}
	out, err := p.o.Client.AdminInitiateAuth(ctx, &cognitoidentityprovider.AdminInitiateAuthInput{
		UserPoolId: &p.o.Pool, ClientId: &p.o.ClientID, AuthFlow: types.AuthFlowTypeAdminUserPasswordAuth,
		AuthParameters: p.secretHash(n, map[string]string{"USERNAME": string(n), "PASSWORD": digest(password)}),
	})
	if err != nil {
		return identity.Outcome{}, judge(err)
	}
	return outcome(out.AuthenticationResult, out.ChallengeName, out.Session)
}

func outcome(r *types.AuthenticationResultType, c types.ChallengeNameType, session *string) (identity.Outcome, error) {
	if r != nil {
		t := tokens(r)
		return identity.Outcome{Tokens: &t}, nil
	}
	switch c {
	case types.ChallengeNameTypeNewPasswordRequired:
		return identity.Outcome{Challenge: identity.NewPassword, Session: aws.ToString(session)}, nil
	case types.ChallengeNameTypeSoftwareTokenMfa:
		return identity.Outcome{Challenge: identity.TOTP, Session: aws.ToString(session)}, nil
	}
	return identity.Outcome{}, unasked(string(c))
}

func tokens(r *types.AuthenticationResultType) identity.Tokens {
	return identity.Tokens{
		Access: aws.ToString(r.AccessToken), Refresh: aws.ToString(r.RefreshToken), ExpiresIn: time.Duration(r.ExpiresIn) * time.Second,
	}
}

// AnswerNewPassword answers as the port says.
func (p *Provider) AnswerNewPassword(ctx context.Context, n identity.Name, session, newPassword string) (identity.Outcome, error) {
	if err := acceptable(newPassword); err != nil {
		return identity.Outcome{}, err
	}
	return p.answer(ctx, n, types.ChallengeNameTypeNewPasswordRequired, session, map[string]string{"NEW_PASSWORD": digest(newPassword)})
}

// AnswerTOTP answers as the port says. That a code is accepted once is Cognito's promise.
func (p *Provider) AnswerTOTP(ctx context.Context, n identity.Name, session, code string) (identity.Outcome, error) {
	if !digits(code) {
		return identity.Outcome{}, refused(nil)
	}
	return p.answer(ctx, n, types.ChallengeNameTypeSoftwareTokenMfa, session, map[string]string{"SOFTWARE_TOKEN_MFA_CODE": code})
}

func (p *Provider) answer(
	ctx context.Context, n identity.Name, c types.ChallengeNameType, session string, responses map[string]string,
) (identity.Outcome, error) {
	if len(session) < minSession {
		return identity.Outcome{}, refused(nil)
	}
	responses["USERNAME"] = string(n)
	out, err := p.o.Client.AdminRespondToAuthChallenge(ctx, &cognitoidentityprovider.AdminRespondToAuthChallengeInput{
		UserPoolId: &p.o.Pool, ClientId: &p.o.ClientID, ChallengeName: c, Session: &session, ChallengeResponses: p.secretHash(n, responses),
	})
	if err != nil {
		return identity.Outcome{}, judgeGarbled(err)
	}
	return outcome(out.AuthenticationResult, out.ChallengeName, out.Session)
}

// Refresh answers as the port says. The call works with rotation on and off; where it is off, the token stays the same.
func (p *Provider) Refresh(ctx context.Context, refreshToken string) (identity.Tokens, error) {
	if refreshToken == "" {
		return identity.Tokens{}, refused(nil)
	}
	out, err := p.o.Client.GetTokensFromRefreshToken(ctx, &cognitoidentityprovider.GetTokensFromRefreshTokenInput{
		ClientId: &p.o.ClientID, ClientSecret: p.secret(), RefreshToken: &refreshToken,
	})
	if err != nil {
		return identity.Tokens{}, judgeGarbled(err)
	}
	if out.AuthenticationResult == nil {
		return identity.Tokens{}, unasked("more than a refresh token")
	}
	t := tokens(out.AuthenticationResult)
	if t.Refresh == "" {
		t.Refresh = refreshToken
	}
	return t, nil
}

// Revoke answers as the port says.
func (p *Provider) Revoke(ctx context.Context, refreshToken string) error {
	if refreshToken == "" {
		return nil
	}
	_, err := p.o.Client.RevokeToken(ctx, &cognitoidentityprovider.RevokeTokenInput{
		ClientId: &p.o.ClientID, ClientSecret: p.secret(), Token: &refreshToken,
	})
	err = judgeGarbled(err)
	if fault.IsKind(err, fault.Unauthenticated) || is(err, "UnsupportedTokenTypeException") {
		return nil // dead already, or no refresh token at all
	}
	return err
}

// SignOutEverywhere answers as the port says.
func (p *Provider) SignOutEverywhere(ctx context.Context, n identity.Name) error {
	_, err := p.o.Client.AdminUserGlobalSignOut(ctx, &cognitoidentityprovider.AdminUserGlobalSignOutInput{
		UserPoolId: &p.o.Pool, Username: aws.String(string(n)),
	})
	return fold(err)
}
