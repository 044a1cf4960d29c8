package cognito_test

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/cognito"
)

const (
	pool   = "us-east-1_AAAAAAAAA"
	client = "1234567890client"
	ann    = identity.Name("tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB~user_01JD3Z4T0X8Y6QH2N5W7R9K1MC")
	bob    = identity.Name("tnt_01JD3Z4T0X8Y6QH2N5W7R9K1MB~user_01JD3Z4T0X8Y6QH2N5W7R9K1MD")

	password = "Quiet-Otter-63-ladder"
	digested = "St1-8h2aDt3SMS1v8prkVPaFByYBUY18Y6gYHehqld7s7Lw" // of the password, made with another program: a change of it locks everybody out
	session  = "AYABeC1-a-session-of-more-than-20-signs"
)

var now = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// options are as a main makes them, but for the address, the clock and one attempt only.
func options(url string) cognito.Options {
	return cognito.Options{
		Pool: pool, ClientID: client, Now: func() time.Time { return now },
		Client: cognitoidentityprovider.New(cognitoidentityprovider.Options{
			Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
			Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
			}),
		}),
	}
}

// reply is an answer of Cognito's: an error when it names its type, which Cognito sends with status 400; what is no JSON has status 503.
type reply string

func failed(code, words string) reply {
	return reply(`{"__type":"` + code + `","message":"` + words + `"}`)
}

// stub answers the calls in turn, with bytes after Cognito's API reference (November 2026); nobody recorded them. A call too many is answered
// with status 500.
type stub struct {
	url string

	mu      sync.Mutex
	replies []reply
	asked   []string
}

func newStub(t *testing.T, replies ...reply) *stub {
	t.Helper()
	s := &stub{replies: replies}
	far := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		_, call, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		body := jsontext.Value(b)
		if err := body.Canonicalize(); err != nil && len(b) > 0 { // one order of members
			t.Error(err)
		}
		s.asked = append(s.asked, call+" "+string(body))
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		if len(s.replies) == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		answer := s.replies[0]
		s.replies = s.replies[1:]
		switch {
		case strings.HasPrefix(string(answer), `{"__type"`):
			w.WriteHeader(http.StatusBadRequest)
		case strings.HasPrefix(string(answer), `<`):
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, string(answer))
	}))
	t.Cleanup(far.Close)
	s.url = far.URL
	return s
}

// calls is what was asked, one call a line.
func (s *stub) calls() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked, "\n")
}

// tokenOf is a token with the payload and no signature worth the name.
func tokenOf(n identity.Name) identity.AccessToken {
	return identity.AccessToken("e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"token_use":"access","username":"`+string(n)+`"}`)) + ".c2ln")
}
