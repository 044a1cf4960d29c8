// Package webhook signs and verifies messages by Standard Webhooks 1.0.0 (github.com/standard-webhooks/standard-webhooks, read November
// 2026): three headers, HMAC-SHA256 over "id.timestamp.body", secrets as whsec_ and base64. It is pure: it keeps nothing, so whoever
// receives messages remembers their ids, and it knows nothing of what a message says.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/fault"
)

// The headers of a message.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Limits. The specification asks for secrets of 24 to 64 bytes; the others are ours.
const (
	Tolerance     = 300 * time.Second // between the sender's clock and ours, either way, inclusive
	MinSecret     = 24                // bytes
	MaxSecret     = 64                // bytes
	MaxID         = 256               // characters of an id
	MaxSignatures = 16                // in one header; more are not looked at
)

const (
	secretPrefix = "whsec_"
	version      = "v1,"
)

// Header gives a header's first value, or "": http.Header.Get.
type Header func(name string) string

// ParseSecret reads a secret as it is handed out: whsec_ and base64 with padding; white space around it is ignored. Any other is a
// fault of kind Invalid, code webhook_secret_invalid.
func ParseSecret(s string) ([]byte, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), secretPrefix)
	raw, err := base64.StdEncoding.Strict().DecodeString(rest)
	if !ok || err != nil || strings.ContainsAny(rest, "\r\n") || len(raw) < MinSecret || len(raw) > MaxSecret {
		return nil, fault.New(fault.Invalid, "webhook_secret_invalid", "min", strconv.Itoa(MinSecret), "max", strconv.Itoa(MaxSecret))
	}
	return raw, nil
}

// FormatSecret gives a secret the form that ParseSecret reads.
func FormatSecret(raw []byte) string {
	return secretPrefix + base64.StdEncoding.EncodeToString(raw)
}

// Sign gives the signature header for a message: one signature for each secret, separated by spaces.
func Sign(id string, at time.Time, body []byte, secrets ...[]byte) string {
	all := make([]string, len(secrets))
	stamp := strconv.FormatInt(at.Unix(), 10)
	for i, s := range secrets {
		all[i] = version + base64.StdEncoding.EncodeToString(mac(s, id, stamp, body))
	}
	return strings.Join(all, " ")
}

// Verify checks a message against the secrets that are in force and answers its id. body is the body as it came, byte for byte. Faults:
// Malformed webhook_id_required or webhook_id_invalid; Unauthenticated timestamp_out_of_tolerance when the timestamp is no whole
// number of seconds or too far from now; Unauthenticated signature_invalid when no v1 signature fits any secret.
func Verify(h Header, body []byte, now time.Time, secrets ...[]byte) (id string, err error) {
	id = h(HeaderID)
	if id == "" {
		return "", fault.New(fault.Malformed, "webhook_id_required")
	}
	if !validID(id) {
		return "", fault.New(fault.Malformed, "webhook_id_invalid", "max", strconv.Itoa(MaxID))
	}
	stamp := h(HeaderTimestamp)
	if !near(stamp, now) {
		return "", fault.New(fault.Unauthenticated, "timestamp_out_of_tolerance", "seconds", strconv.Itoa(int(Tolerance/time.Second)))
	}
	given := strings.Split(h(HeaderSignature), " ")
	if len(given) > MaxSignatures {
		given = given[:MaxSignatures]
	}
	found := false
	for _, secret := range secrets {
		want := mac(secret, id, stamp, body)
		for _, g := range given {
			encoded, ok := strings.CutPrefix(g, version)
			got, err := base64.StdEncoding.Strict().DecodeString(encoded)
			if ok && err == nil && hmac.Equal(got, want) {
				found = true
			}
		}
	}
	if !found {
		return "", fault.New(fault.Unauthenticated, "signature_invalid")
	}
	return id, nil
}

// mac is over the very characters of the timestamp header, so that two spellings of one time are two messages.
func mac(secret []byte, id, stamp string, body []byte) []byte {
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(id))
	h.Write([]byte{'.'})
	h.Write([]byte(stamp))
	h.Write([]byte{'.'})
	h.Write(body)
	return h.Sum(nil)
}

// validID refuses what could not be a key or a line of a log: anything but visible ASCII.
func validID(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) <= MaxID
}

func near(stamp string, now time.Time) bool {
	if stamp == "" || len(stamp) > 12 || strings.Trim(stamp, "0123456789") != "" {
		return false
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return false
	}
	off := seconds - now.Unix()
	limit := int64(Tolerance / time.Second)
	return -limit <= off && off <= limit
}
