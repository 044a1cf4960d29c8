// Package keys is the port to the key service that holds the deployment's master keys: KMS on AWS, a key file on a laptop. Master
// keys never leave it. Crypt asks it for data keys and keeps the wrapped form; a warm process asks nothing at all.
package keys

import "context"

// Context is the encryption context: bound to a wrapped key as additional data, in plain in the key service's log. Ids only.
type Context map[string]string

// Purpose names a master key of the deployment.
type Purpose string

// The master keys.
const (
	Data  Purpose = "data"  // wraps tenant keys
	Audit Purpose = "audit" // MACs: of audit checkpoints, and of the label that sign-in derives its secrets from
)

// Keys is the key service. Safe for concurrent use. A key that is disabled, pending deletion or unknown is a fault of kind Locked,
// code key_unavailable; so is one that is made for another use: Data wraps and makes no MACs, Audit makes MACs and wraps nothing. A
// wrapped key that does not open under the context is a fault of kind Internal, code key_mismatch: it was changed, or moved from another
// place. Anything passing, a cancelled call among it, is kind Unavailable, code keys_unavailable. The suite is in keystest.
type Keys interface {
	// GenerateDataKey returns 32 fresh random bytes, and the same wrapped under the purpose's master key and bound to the context.
	GenerateDataKey(ctx context.Context, p Purpose, c Context) (plain, wrapped []byte, err error)

	// Decrypt opens a wrapped key. The context must equal the one it was made with.
	Decrypt(ctx context.Context, p Purpose, wrapped []byte, c Context) (plain []byte, err error)

	// Mac returns a 32-byte HMAC-SHA-256 of the message (1 to 4,096 bytes, else Internal) under the purpose's master key.
	Mac(ctx context.Context, p Purpose, message []byte) ([]byte, error)
}

// State is the state of a master key.
type State string

// The states. Only an enabled key does anything.
const (
	Enabled         State = "enabled"
	Disabled        State = "disabled"
	PendingDeletion State = "pending_deletion"
)
