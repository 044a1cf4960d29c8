package cognito

import (
	"errors"
	"strings"

	"github.com/aws/smithy-go"

	"github.com/steward-crm/steward/shared/fault"
)

// refused is the one answer to every failure to authenticate. The cause is for the log only.
func refused(cause error) error {
	return fault.New(fault.Unauthenticated, "credentials_invalid").Because(cause)
}

func unavailable(cause error) error {
	return fault.New(fault.Unavailable, "identity_unavailable").Because(cause)
}

func codeInvalid(cause error) error {
	return fault.New(fault.Malformed, "code_invalid").Because(cause)
}

func said(err error) (code, words string) {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode(), e.ErrorMessage()
	}
	return "", ""
}

func is(err error, codes ...string) bool {
	code, _ := said(err)
	for _, c := range codes {
		if code == c {
			return true
		}
	}
	return false
}

// fold turns an error of Cognito into the port's, where an operator's call is judged. nil stays nil.
func fold(err error) error {
	code, _ := said(err)
	switch {
	case err == nil:
		return nil
	case code == "UserNotFoundException":
		return fault.New(fault.NotFound, "user_unknown").Because(err)
	case code == "UsernameExistsException":
		return fault.New(fault.Conflict, "user_exists").Because(err)
	case code == "InvalidPasswordException", code == "PasswordHistoryPolicyViolationException":
		return fault.New(fault.Invalid, "password_refused").Because(err)
	case code == "InvalidParameterException":
		return fault.New(fault.Internal, "internal").Because(err) // asking again would not help
	}
	return unavailable(err) // throttled, no answer, no such pool, expired credentials: it may pass, or an operator may mend it
}

// judge is fold where credentials are judged: everything that Cognito has against them is one answer.
func judge(err error) error {
	code, words := said(err)
	switch code {
	case "NotAuthorizedException", "UnauthorizedException":
		if strings.Contains(strings.ToLower(words), "secret") {
			return unavailable(err) // the app client's secret is not ours: nothing against the user
		}
		return refused(err)
	case "UserNotFoundException", "UserNotConfirmedException", "PasswordResetRequiredException",
		"CodeMismatchException", "ExpiredCodeException", "RefreshTokenReuseException":
		return refused(err)
	}
	return fold(err)
}

// judgeGarbled is judge for what a client brings as it likes (a session, a code, a token): what Cognito calls malformed authenticates nobody.
func judgeGarbled(err error) error {
	if is(err, "InvalidParameterException") {
		return refused(err)
	}
	return judge(err)
}
