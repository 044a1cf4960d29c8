package cognito

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/identity"
)

// The attributes of a user in the pool.
const (
	attrEmail         = "email"
	attrEmailVerified = "email_verified"
	attrPhone         = "phone_number"
	attrPhoneVerified = "phone_number_verified"
	attrTempEnds      = "custom:tempEnds" // seconds since 1970; means something only while the password is a temporary one
)

// pageOf is Cognito's limit of a page of ListUsers.
const pageOf = 60

func attribute(name, value string) types.AttributeType {
	return types.AttributeType{Name: &name, Value: &value}
}

// addresses are the attributes of the addresses. Without an address its value is blank, which takes the attribute away, and nothing is said of
// its verification.
func addresses(email, phone string, emailVerified, phoneVerified bool) []types.AttributeType {
	out := []types.AttributeType{attribute(attrEmail, email)}
	if email != "" {
		out = append(out, attribute(attrEmailVerified, strconv.FormatBool(emailVerified)))
	}
	out = append(out, attribute(attrPhone, phone))
	if phone != "" {
		out = append(out, attribute(attrPhoneVerified, strconv.FormatBool(phoneVerified)))
	}
	return out
}

func (p *Provider) ends(validFor time.Duration) types.AttributeType {
	return attribute(attrTempEnds, strconv.FormatInt(p.o.Now().Add(validFor).Unix(), 10))
}

// CreateUser answers as the port says. A reply that was lost is healed by asking again: who is there with the same addresses gets the password.
func (p *Provider) CreateUser(ctx context.Context, n identity.Name, email, phone, temporaryPassword string, validFor time.Duration) error {
	if err := acceptable(temporaryPassword); err != nil {
		return err
	}
	attributes := slices.DeleteFunc(addresses(email, phone, false, false), func(a types.AttributeType) bool { return *a.Value == "" })
	_, err := p.o.Client.AdminCreateUser(ctx, &cognitoidentityprovider.AdminCreateUserInput{
		UserPoolId: &p.o.Pool, Username: aws.String(string(n)), MessageAction: types.MessageActionTypeSuppress,
		TemporaryPassword: aws.String(digest(temporaryPassword)), UserAttributes: append(attributes, p.ends(validFor)),
	})
	exists := fold(err)
	if !fault.Is(exists, "user_exists") {
		return exists
	}
	u, err := p.GetUser(ctx, n)
	if err != nil {
		return err
	}
	if !u.PasswordIsTemp || !u.Enabled || u.Email != email || u.Phone != phone {
		return exists
	}
	return p.SetTemporaryPassword(ctx, n, temporaryPassword, validFor)
}

// GetUser answers as the port says.
func (p *Provider) GetUser(ctx context.Context, n identity.Name) (identity.User, error) {
	out, err := p.o.Client.AdminGetUser(ctx, &cognitoidentityprovider.AdminGetUserInput{UserPoolId: &p.o.Pool, Username: aws.String(string(n))})
	if err != nil {
		return identity.User{}, fold(err)
	}
	u := user(n, out.Enabled, out.UserStatus, out.UserAttributes, out.UserLastModifiedDate)
	u.TOTPEnrolled = slices.Contains(out.UserMFASettingList, string(types.ChallengeNameTypeSoftwareTokenMfa))
	return u, nil
}

func user(n identity.Name, enabled bool, s types.UserStatusType, attributes []types.AttributeType, changed *time.Time) identity.User {
	v := map[string]string{}
	for _, a := range attributes {
		v[aws.ToString(a.Name)] = aws.ToString(a.Value)
	}
	u := identity.User{
		Name: n, Enabled: enabled, PasswordIsTemp: s == types.UserStatusTypeForceChangePassword, Changed: aws.ToTime(changed),
		Email: v[attrEmail], EmailVerified: v[attrEmail] != "" && v[attrEmailVerified] == "true",
		Phone: v[attrPhone], PhoneVerified: v[attrPhone] != "" && v[attrPhoneVerified] == "true",
	}
	if ends, err := strconv.ParseInt(v[attrTempEnds], 10, 64); err == nil && u.PasswordIsTemp {
		u.TempPasswordEnds = time.Unix(ends, 0).UTC()
	}
	return u
}

// ListUsers answers as the port says; the cursor is Cognito's.
func (p *Provider) ListUsers(ctx context.Context, cursor string) (users []identity.User, next string, err error) {
	in := &cognitoidentityprovider.ListUsersInput{UserPoolId: &p.o.Pool, Limit: aws.Int32(pageOf)}
	if cursor != "" {
		in.PaginationToken = &cursor
	}
	out, err := p.o.Client.ListUsers(ctx, in)
	if err != nil {
		return nil, "", fold(err)
	}
	for _, u := range out.Users {
		users = append(users, user(identity.Name(aws.ToString(u.Username)), u.Enabled, u.UserStatus, u.Attributes, u.UserLastModifiedDate))
	}
	return users, aws.ToString(out.PaginationToken), nil
}

// SetAttributes answers as the port says. Cognito would keep the verification of an address that changed, so both are read first and said
// outright; two calls at once may mix, which the row's own job sets right.
func (p *Provider) SetAttributes(ctx context.Context, n identity.Name, email, phone string, verified ...identity.Attribute) error {
	u, err := p.GetUser(ctx, n)
	if err != nil {
		return err
	}
	return p.setAttributes(ctx, n, addresses(email, phone,
		u.EmailVerified && u.Email == email || slices.Contains(verified, identity.Email),
		u.PhoneVerified && u.Phone == phone || slices.Contains(verified, identity.Phone))...)
}

func (p *Provider) setAttributes(ctx context.Context, n identity.Name, a ...types.AttributeType) error {
	_, err := p.o.Client.AdminUpdateUserAttributes(ctx, &cognitoidentityprovider.AdminUpdateUserAttributesInput{
		UserPoolId: &p.o.Pool, Username: aws.String(string(n)), UserAttributes: a,
	})
	return fold(err)
}

// Disable answers as the port says.
func (p *Provider) Disable(ctx context.Context, n identity.Name) error {
	_, err := p.o.Client.AdminDisableUser(ctx, &cognitoidentityprovider.AdminDisableUserInput{UserPoolId: &p.o.Pool, Username: aws.String(string(n))})
	return fold(err)
}

// Enable answers as the port says.
func (p *Provider) Enable(ctx context.Context, n identity.Name) error {
	_, err := p.o.Client.AdminEnableUser(ctx, &cognitoidentityprovider.AdminEnableUserInput{UserPoolId: &p.o.Pool, Username: aws.String(string(n))})
	return fold(err)
}

// Delete answers as the port says.
func (p *Provider) Delete(ctx context.Context, n identity.Name) error {
	_, err := p.o.Client.AdminDeleteUser(ctx, &cognitoidentityprovider.AdminDeleteUserInput{UserPoolId: &p.o.Pool, Username: aws.String(string(n))})
	if is(err, "UserNotFoundException") {
		return nil
	}
	return fold(err)
}

// SetPassword answers as the port says.
func (p *Provider) SetPassword(ctx context.Context, n identity.Name, password string) error {
	return p.setPassword(ctx, n, password, true)
}

// SetTemporaryPassword answers as the port says. The password comes before its end: a crash between them leaves one with the end of the
// password before it, and that is never later than it should be.
func (p *Provider) SetTemporaryPassword(ctx context.Context, n identity.Name, password string, validFor time.Duration) error {
	if err := p.setPassword(ctx, n, password, false); err != nil {
		return err
	}
	return p.setAttributes(ctx, n, p.ends(validFor))
}

func (p *Provider) setPassword(ctx context.Context, n identity.Name, password string, permanent bool) error {
	if err := acceptable(password); err != nil {
		return err
	}
	_, err := p.o.Client.AdminSetUserPassword(ctx, &cognitoidentityprovider.AdminSetUserPasswordInput{
		UserPoolId: &p.o.Pool, Username: aws.String(string(n)), Password: aws.String(digest(password)), Permanent: permanent,
	})
	return fold(err)
}
