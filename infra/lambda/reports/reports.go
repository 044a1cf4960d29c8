// Package reports makes the handler of what SES reports about mails: bounces and complaints. It knows SES's form, which user's address is meant,
// and no address: addresses are compared by digests that no other process can make.
package reports

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"io"
	"strings"

	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/shared/notify/aws/feedback"
	"github.com/steward-crm/steward/shared/user"
)

// Handler takes the queue of reports. One that cannot be read comes again, and ends among the dead letters.
func Handler(d *lambda.Deployment) (lambda.Handler, error) {
	key := make([]byte, sha256.Size)
	if _, err := io.ReadFull(d.Random, key); err != nil {
		return nil, err
	}
	digest := func(address string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(strings.ToLower(address)))
		return h.Sum(nil)
	}
	fail := users.FailMail(d.Platform)
	return lambda.Messages(d.Log, func(ctx context.Context, body []byte) error {
		events, err := feedback.Events(body, digest)
		if err != nil {
			return err
		}
		var failed []error
		for _, e := range events {
			d.Log.InfoContext(ctx, "mail", "kind", e.Kind, "tenant", e.Tenant, "user", e.User, "message", e.Message)
			if e.Tenant == "" || e.User == "" || e.Kind != feedback.Bounced && e.Kind != feedback.Complained {
				continue
			}
			what := user.MailFailure{Kind: string(e.Kind), At: e.At}
			failed = append(failed, fail(ctx, e.Tenant, e.User, what, func(a string) bool { return hmac.Equal(digest(a), e.Address) }))
		}
		return errors.Join(failed...)
	}), nil
}
