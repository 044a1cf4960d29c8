package cognito

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// tempDays is the longest life that a pool gives temporary passwords: tempEnds decides, so the pool must not decide before it.
const tempDays = 365

// Check asks for the pool, its client and its keys, and gives one error that names all that is not as Steward needs it. For the start of a
// process, and for who deploys. It needs cognito-idp:DescribeUserPool and DescribeUserPoolClient, which no operation needs.
func (p *Provider) Check(ctx context.Context) error {
	var wrong []error
	say := func(bad bool, form string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Errorf(form, args...))
		}
	}
	region := p.o.Client.Options().Region
	pool, err := p.o.Client.DescribeUserPool(ctx, &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: &p.o.Pool})
	if err != nil {
		return fmt.Errorf("identity: pool %s in %s: %w", p.o.Pool, region, err)
	}
	checkPool(pool.UserPool, say)
	client, err := p.o.Client.DescribeUserPoolClient(ctx, &cognitoidentityprovider.DescribeUserPoolClientInput{
		UserPoolId: &p.o.Pool, ClientId: &p.o.ClientID,
	})
	say(err != nil, "client %s: %w", p.o.ClientID, err)
	if err == nil {
		p.checkClient(client.UserPoolClient, say)
	}
	keys, err := p.JWKS(ctx)
	say(err != nil, "keys of %s: %w", p.o.Issuer, err)
	say(err == nil && len(keys) == 0, "%s publishes no keys", p.o.Issuer)
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("identity: pool %s in %s: %w", p.o.Pool, region, errors.Join(wrong...))
}

func checkPool(u *types.UserPoolType, say func(bool, string, ...any)) {
	say(u.UsernameConfiguration != nil && !aws.ToBool(u.UsernameConfiguration.CaseSensitive),
		"user names are case-insensitive: a token may then name a user in other letters than the id has")
	say(len(u.UsernameAttributes)+len(u.AliasAttributes) > 0, "users sign in with an address; one address may be in two tenants")
	say(len(u.AutoVerifiedAttributes) > 0, "Cognito sends codes of its own for %v", u.AutoVerifiedAttributes)
	say(u.AdminCreateUserConfig == nil || !u.AdminCreateUserConfig.AllowAdminCreateUserOnly, "anybody may sign up")
	say(u.MfaConfiguration != types.UserPoolMfaTypeOptional, "a second factor is %s, not OPTIONAL", u.MfaConfiguration)
	say(!slices.ContainsFunc(u.SchemaAttributes, func(a types.SchemaAttributeType) bool {
		return aws.ToString(a.Name) == attrTempEnds && aws.ToBool(a.Mutable)
	}), "the attribute %s, mutable, is missing", attrTempEnds)
	var rule types.PasswordPolicyType
	if u.Policies != nil && u.Policies.PasswordPolicy != nil {
		rule = *u.Policies.PasswordPolicy
	}
	say(rule.TemporaryPasswordValidityDays != tempDays, "temporary passwords live %d days, not %d", rule.TemporaryPasswordValidityDays, tempDays)
	say(aws.ToInt32(rule.MinimumLength) > int32(len(digest(""))), "passwords of less than %d signs are refused", aws.ToInt32(rule.MinimumLength))
}

func (p *Provider) checkClient(c *types.UserPoolClientType, say func(bool, string, ...any)) {
	say(!slices.Contains(c.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth), "client %s may not use ADMIN_USER_PASSWORD_AUTH", p.o.ClientID)
	for _, f := range c.ExplicitAuthFlows {
		say(f != types.ExplicitAuthFlowsTypeAllowAdminUserPasswordAuth && f != types.ExplicitAuthFlowsTypeAllowRefreshTokenAuth,
			"client %s may use %s, a way in past Steward", p.o.ClientID, f)
	}
	say(!aws.ToBool(c.EnableTokenRevocation), "client %s cannot revoke tokens, and its tokens do not name their sign-in", p.o.ClientID)
	say(aws.ToString(c.ClientSecret) != p.o.Secret, "the secret of client %s is another one", p.o.ClientID)
	say(len(c.WriteAttributes) == 0, "users may write every attribute of theirs: WriteAttributes of client %s is empty", p.o.ClientID)
	for _, a := range []string{attrEmail, attrEmailVerified, attrPhone, attrPhoneVerified, attrTempEnds} {
		say(slices.Contains(c.WriteAttributes, a), "users may write %s past Steward, with client %s", a, p.o.ClientID)
	}
}
