// Package identity is the port to the identity provider: Cognito on AWS, an embedded one on a laptop. It keeps passwords, second
// factors, sessions and verification codes, and signs the tokens that edge verifies. It does not know what a user may do.
//
// A user name is "<tenantId>~<userId>" (see Name): tenant and user of a token come from this claim, which nobody can change. E-mail
// addresses are attributes; they need not be unique, because one address may belong to users of two tenants.
package identity

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/id"
)

// Name is the user name at the provider.
type Name string

// NameOf joins tenant and user.
func NameOf(t id.Tenant, u id.User) Name { return Name(string(t) + "~" + string(u)) }

// Split gives the tenant and the user of a name, or false when it is not one.
func (n Name) Split() (id.Tenant, id.User, bool) {
	a, b, ok := strings.Cut(string(n), "~")
	t, err1 := id.Parse[id.Tenant](a)
	u, err2 := id.Parse[id.User](b)
	return t, u, ok && err1 == nil && err2 == nil
}

// Attribute is a verifiable attribute of a user.
type Attribute string

// The attributes.
const (
	Email Attribute = "email"
	Phone Attribute = "phone"
)

// Tokens are what a finished sign-in gives.
type Tokens struct {
	Access    string        // a JWT, RS256; claims in Claims
	Refresh   string        // opaque; single use where the provider rotates
	ExpiresIn time.Duration // of Access
}

// AccessToken is the token that a request came with, handed on to the provider. It prints as [redacted].
type AccessToken string

// String and GoString keep the token out of anything that prints it by mistake.
func (AccessToken) String() string   { return "[redacted]" }
func (AccessToken) GoString() string { return "[redacted]" }

// Challenge is what a sign-in asks for besides the password.
type Challenge string

// The challenges.
const (
	NewPassword Challenge = "new_password" // the password was a temporary one
	TOTP        Challenge = "totp"         // a code of the enrolled authenticator
)

// Outcome of a step of a sign-in: tokens, or a challenge with a session (valid 3 minutes, single use) to answer it in.
type Outcome struct {
	Tokens    *Tokens
	Challenge Challenge
	Session   string
}

// User is what the provider knows of a user.
type User struct {
	Name             Name
	Email, Phone     string
	EmailVerified    bool
	PhoneVerified    bool
	Enabled          bool
	PasswordIsTemp   bool      // the invitation was not answered
	TOTPEnrolled     bool      // GetUser tells it, ListUsers does not
	TempPasswordEnds time.Time // zero unless PasswordIsTemp
	Changed          time.Time // when an address, the password or the state last changed; the provider may count more
}

// Claims are the pinned claims of an access token, as in a Cognito access token: iss, client_id, token_use "access", username, sub,
// origin_jti (one per sign-in, kept by refresh), auth_time, iat, exp, jti.
type Claims struct {
	Name     Name
	Session  string // origin_jti
	AuthTime time.Time
	IssuedAt time.Time
	Expires  time.Time
}

// Issuer says what a verifier must pin.
type Issuer struct {
	URL      string // iss
	ClientID string // client_id
}

// Key is a public key that signs tokens, as in a JWKS: kid, RSA modulus and exponent in base64url without padding.
type Key struct {
	ID   string `json:"kid"`
	Type string `json:"kty"` // RSA
	Alg  string `json:"alg"` // RS256
	Use  string `json:"use"` // sig
	N    string `json:"n"`
	E    string `json:"e"`
}

// RSA is the key's modulus and exponent; an error for what is no base64url, or an exponent of more than 32 bits. Whether the key is fit for use
// is the verifier's to say.
func (k *Key) RSA() (*rsa.PublicKey, error) {
	n, err1 := base64.RawURLEncoding.DecodeString(k.N)
	e, err2 := base64.RawURLEncoding.DecodeString(k.E)
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("identity: key %s: %w", k.ID, err)
	}
	if len(e) > 4 {
		return nil, fmt.Errorf("identity: key %s: an exponent of %d bytes", k.ID, len(e))
	}
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())}, nil
}

// Identity is the provider. Safe for concurrent use.
//
// Errors: every failure to authenticate (unknown user, wrong password, disabled user, wrong or used code, dead session, dead refresh
// token) is one fault of kind Unauthenticated, code credentials_invalid, the same in bytes and near the same in time. A wrong
// verification or reset code is kind Malformed, code code_invalid. A password that the provider's own rule refuses (length) is kind
// Invalid, code password_refused. A provider that does not answer is kind Unavailable, code identity_unavailable. Operations on a user
// that does not exist are kind NotFound, code user_unknown, except where credentials are judged.
type Identity interface {
	// Issuer and JWKS are what edge verifies tokens with.
	Issuer() Issuer
	JWKS(ctx context.Context) ([]Key, error)

	// CreateUser makes an enabled user with a temporary password that expires after validFor. Creating one that exists with the
	// same attributes answers nil and replaces the temporary password if it was never used; else it is kind Conflict, code
	// user_exists. Sends nothing.
	CreateUser(ctx context.Context, n Name, email, phone, temporaryPassword string, validFor time.Duration) error
	GetUser(ctx context.Context, n Name) (User, error)
	// ListUsers yields all users in an order of the provider's own, at most 60 a page. "" begins; next is the cursor of the page that
	// follows, "" at the end.
	ListUsers(ctx context.Context, cursor string) (users []User, next string, err error)
	// SetAttributes replaces e-mail and phone; a changed one becomes unverified unless verified says so.
	SetAttributes(ctx context.Context, n Name, email, phone string, verified ...Attribute) error
	Disable(ctx context.Context, n Name) error // sign-in, refresh and all codes are refused
	Enable(ctx context.Context, n Name) error
	Delete(ctx context.Context, n Name) error // deleting none answers nil

	// Authenticate checks the password of an enabled user. A temporary password that is still valid gives the challenge
	// NewPassword; an enrolled authenticator gives the challenge TOTP.
	Authenticate(ctx context.Context, n Name, password string) (Outcome, error)
	// AnswerNewPassword finishes a NewPassword challenge; the next outcome may be TOTP.
	AnswerNewPassword(ctx context.Context, n Name, session, newPassword string) (Outcome, error)
	// AnswerTOTP finishes a TOTP challenge. A code is accepted once.
	AnswerTOTP(ctx context.Context, n Name, session, code string) (Outcome, error)
	// Refresh gives new tokens for a live refresh token; it carries the sign-in's session and auth time on.
	Refresh(ctx context.Context, refreshToken string) (Tokens, error)
	// Revoke ends the sign-in of the refresh token. Revoking a dead one answers nil.
	Revoke(ctx context.Context, refreshToken string) error
	SignOutEverywhere(ctx context.Context, n Name) error // all refresh tokens die

	// SetPassword sets a permanent password without the old one.
	SetPassword(ctx context.Context, n Name, password string) error
	// SetTemporaryPassword puts the user back to the state after CreateUser.
	SetTemporaryPassword(ctx context.Context, n Name, password string, validFor time.Duration) error
	// CheckPassword reports whether the password is the user's permanent one, without signing in.
	CheckPassword(ctx context.Context, n Name, password string) error

	// EnrolTOTP returns a fresh secret (base 32) that is not in force until ConfirmTOTP sees a right code of it. Both want a live access
	// token of the user: Cognito enrols nobody on another's word. Any other token authenticates nobody.
	EnrolTOTP(ctx context.Context, n Name, t AccessToken) (secret string, err error)
	ConfirmTOTP(ctx context.Context, n Name, t AccessToken, code string) error
	ResetMFA(ctx context.Context, n Name) error
}
