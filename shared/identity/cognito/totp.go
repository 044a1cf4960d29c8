package cognito

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/shared/identity"
)

// EnrolTOTP answers as the port says.
func (p *Provider) EnrolTOTP(ctx context.Context, n identity.Name, t identity.AccessToken) (string, error) {
	if !holds(n, t) {
		return "", refused(nil)
	}
	out, err := p.o.Client.AssociateSoftwareToken(ctx, &cognitoidentityprovider.AssociateSoftwareTokenInput{AccessToken: aws.String(string(t))})
	if err != nil {
		return "", judgeGarbled(err)
	}
	return aws.ToString(out.SecretCode), nil
}

// ConfirmTOTP answers as the port says. A crash between its two calls leaves the secret out of force: the user enrols again.
func (p *Provider) ConfirmTOTP(ctx context.Context, n identity.Name, t identity.AccessToken, code string) error {
	if !holds(n, t) {
		return refused(nil)
	}
	if !digits(code) {
		return codeInvalid(nil)
	}
	out, err := p.o.Client.VerifySoftwareToken(ctx, &cognitoidentityprovider.VerifySoftwareTokenInput{AccessToken: aws.String(string(t)), UserCode: &code})
	switch {
	case is(err, "EnableSoftwareTokenMFAException", "CodeMismatchException", "ExpiredCodeException", "SoftwareTokenMFANotFoundException", "InvalidParameterException"):
		return codeInvalid(err) // also when nothing was enrolled
	case err != nil:
		return judge(err)
	case out.Status != types.VerifySoftwareTokenResponseTypeSuccess:
		return codeInvalid(nil)
	}
	return p.setTOTP(ctx, n, true)
}

// ResetMFA answers as the port says.
func (p *Provider) ResetMFA(ctx context.Context, n identity.Name) error {
	return p.setTOTP(ctx, n, false)
}

func (p *Provider) setTOTP(ctx context.Context, n identity.Name, on bool) error {
	_, err := p.o.Client.AdminSetUserMFAPreference(ctx, &cognitoidentityprovider.AdminSetUserMFAPreferenceInput{
		UserPoolId: &p.o.Pool, Username: aws.String(string(n)),
		SoftwareTokenMfaSettings: &types.SoftwareTokenMfaSettingsType{Enabled: on, PreferredMfa: on},
	})
	return fold(err)
}

// holds reports whether the token names the user. Cognito judges the token itself, and would enrol whoever it is of.
func holds(n identity.Name, t identity.AccessToken) bool {
	parts := strings.Split(string(t), ".")
	if len(parts) != 3 {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var c struct {
		Username identity.Name `json:"username"`
	}
	return json.Unmarshal(b, &c) == nil && c.Username == n
}

// digits reports whether the code has the form of a code: six digits.
func digits(code string) bool {
	return len(code) == 6 && strings.Trim(code, "0123456789") == ""
}
