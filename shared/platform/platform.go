// Package platform is what a deployment gives: one struct of ports, clock, ids and randomness. Mains fill it, routes take what they need
// from it. It holds no behaviour.
package platform

import (
	"io"
	"log/slog"
	"time"

	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/notify"
	"github.com/steward-crm/steward/shared/table"
)

// Platform is one deployment. Every field is set, except that a Lambda function leaves the ports it does not use nil.
type Platform struct {
	Table    table.Table
	Feed     table.Feed
	Identity identity.Identity
	Keys     keys.Keys
	Notify   notify.Notify
	Crypt    *crypt.Crypt // over Keys and Table; shared, because its caches are the process's
	Now      func() time.Time
	IDs      *id.Source
	Random   io.Reader
	Log      *slog.Logger
	Webhook  WebhookSecrets
	BaseURL  string // of the API as clients see it, for links in mails
}

// WebhookSecrets gives the secrets that onboarding webhooks may be signed with, newest first: one, or two during a rotation. Each is the
// raw key (the part after whsec_, decoded). Secrets that were rotated out are not among them.
type WebhookSecrets func() [][]byte
