package webhook_test

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/webhook"
)

// The vector that the specification's own libraries are tested with.
const (
	vectorSecret    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	vectorID        = "msg_p5jXN8AQM9LWM0D4loKWxJek"
	vectorTime      = 1614265330
	vectorBody      = `{"test": 2432232314}`
	vectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
)

func secret(t *testing.T, s string) []byte {
	t.Helper()
	raw, err := webhook.ParseSecret(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func headers(id, stamp, signature string) http.Header {
	h := http.Header{}
	for k, v := range map[string]string{webhook.HeaderID: id, webhook.HeaderTimestamp: stamp, webhook.HeaderSignature: signature} {
		if v != "" {
			h.Set(k, v)
		}
	}
	return h
}

func TestPublishedVector(t *testing.T) {
	at := time.Unix(vectorTime, 0)
	if got := webhook.Sign(vectorID, at, []byte(vectorBody), secret(t, vectorSecret)); got != vectorSignature {
		t.Fatalf("signature %s, want %s", got, vectorSignature)
	}
	id, err := webhook.Verify(headers(vectorID, "1614265330", vectorSignature).Get, []byte(vectorBody), at, secret(t, vectorSecret))
	if err != nil || id != vectorID {
		t.Fatal(id, err)
	}
}

func TestVerify(t *testing.T) {
	ours := secret(t, vectorSecret)
	other := []byte(strings.Repeat("o", 32))
	now := time.Unix(vectorTime, 0)
	otherSig := webhook.Sign(vectorID, now, []byte(vectorBody), other)
	at := func(d time.Duration) (string, string) {
		x := now.Add(d)
		return itoa(x.Unix()), webhook.Sign(vectorID, x, []byte(vectorBody), ours)
	}
	late, lateSig := at(-300 * time.Second)
	later, laterSig := at(-301 * time.Second)
	early, earlySig := at(300 * time.Second)
	earlier, earlierSig := at(301 * time.Second)
	ts := itoa(vectorTime)
	flat := strings.ReplaceAll(vectorBody, " ", "")
	flipped := strings.Replace(vectorSignature, "g0h", "h0h", 1)

	for _, row := range []struct {
		name, id, stamp, signature, body string
		secrets                          [][]byte
		code                             string
	}{
		{"right", vectorID, ts, vectorSignature, vectorBody, [][]byte{ours}, ""},
		{"right among several signatures", vectorID, ts, "v1a,AAAA v2,zzz " + otherSig + " " + vectorSignature, vectorBody, [][]byte{ours}, ""},
		{"signed with the old secret during a rotation", vectorID, ts, otherSig, vectorBody, [][]byte{ours, other}, ""},
		{"signed with both", vectorID, ts, webhook.Sign(vectorID, now, []byte(vectorBody), other, ours), vectorBody, [][]byte{ours}, ""},
		{"300 s old", vectorID, late, lateSig, vectorBody, [][]byte{ours}, ""},
		{"300 s ahead", vectorID, early, earlySig, vectorBody, [][]byte{ours}, ""},
		{"id with full stops", "a.b", ts, webhook.Sign("a.b", now, []byte(vectorBody), ours), vectorBody, [][]byte{ours}, ""},

		{"301 s old", vectorID, later, laterSig, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"301 s ahead", vectorID, earlier, earlierSig, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"no timestamp", vectorID, "", vectorSignature, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"timestamp is text", vectorID, "today", vectorSignature, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"negative timestamp", vectorID, "-" + ts, vectorSignature, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"timestamp with a sign", vectorID, "+" + ts, vectorSignature, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"timestamp with a fraction", vectorID, ts + ".0", vectorSignature, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"timestamp in milliseconds", vectorID, ts + "000", vectorSignature, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"timestamp that overflows", vectorID, "99999999999999999999", vectorSignature, vectorBody, [][]byte{ours}, "timestamp_out_of_tolerance"},
		{"no id", "", ts, vectorSignature, vectorBody, [][]byte{ours}, "webhook_id_required"},
		{"id too long", strings.Repeat("a", 257), ts, vectorSignature, vectorBody, [][]byte{ours}, "webhook_id_invalid"},
		{"id with a space", "a b", ts, vectorSignature, vectorBody, [][]byte{ours}, "webhook_id_invalid"},
		{"id not ASCII", "编号", ts, vectorSignature, vectorBody, [][]byte{ours}, "webhook_id_invalid"},
		{"no signature", vectorID, ts, "", vectorBody, [][]byte{ours}, "signature_invalid"},
		{"version alone", vectorID, ts, "v1,", vectorBody, [][]byte{ours}, "signature_invalid"},
		{"without version", vectorID, ts, vectorSignature[3:], vectorBody, [][]byte{ours}, "signature_invalid"},
		{"other version only", vectorID, ts, "v1a," + vectorSignature[3:], vectorBody, [][]byte{ours}, "signature_invalid"},
		{"not base64", vectorID, ts, "v1,***", vectorBody, [][]byte{ours}, "signature_invalid"},
		{"one bit off", vectorID, ts, flipped, vectorBody, [][]byte{ours}, "signature_invalid"},
		{"cut short", vectorID, ts, "v1," + base64.StdEncoding.EncodeToString(make([]byte, 31)), vectorBody, [][]byte{ours}, "signature_invalid"},
		{"body written anew", vectorID, ts, vectorSignature, flat, [][]byte{ours}, "signature_invalid"},
		{"another id", vectorID + "x", ts, vectorSignature, vectorBody, [][]byte{ours}, "signature_invalid"},
		{"another time", vectorID, itoa(vectorTime + 1), vectorSignature, vectorBody, [][]byte{ours}, "signature_invalid"},
		{"same time spelt otherwise", vectorID, "0" + ts, vectorSignature, vectorBody, [][]byte{ours}, "signature_invalid"},
		{"secret rotated out", vectorID, ts, vectorSignature, vectorBody, [][]byte{other}, "signature_invalid"},
		{"no secret in force", vectorID, ts, vectorSignature, vectorBody, nil, "signature_invalid"},
		{"right one behind 16 wrong ones", vectorID, ts, strings.Repeat("v1,AAAA ", 16) + vectorSignature, vectorBody, [][]byte{ours}, "signature_invalid"},
	} {
		t.Run(row.name, func(t *testing.T) {
			id, err := webhook.Verify(headers(row.id, row.stamp, row.signature).Get, []byte(row.body), now, row.secrets...)
			if row.code == "" {
				if err != nil || id != row.id {
					t.Fatalf("%q, %v; want accepted", id, err)
				}
				return
			}
			if !fault.Is(err, row.code) || id != "" {
				t.Fatalf("%q, %v; want %s", id, err, row.code)
			}
		})
	}
}

func TestParseSecret(t *testing.T) {
	for s, ok := range map[string]bool{
		vectorSecret:                                 true,
		" " + vectorSecret + "\r\n":                  true,
		webhook.FormatSecret(make([]byte, 32)):       true,
		webhook.FormatSecret(make([]byte, 24)):       true,
		webhook.FormatSecret(make([]byte, 64)):       true,
		webhook.FormatSecret(make([]byte, 23)):       false,
		webhook.FormatSecret(make([]byte, 65)):       false,
		"":                                           false,
		"whsec_":                                     false,
		strings.TrimPrefix(vectorSecret, "whsec_"):   false,
		"whpk_" + vectorSecret[6:]:                   false,
		vectorSecret[:len(vectorSecret)-1]:           false,
		vectorSecret + "=":                           false,
		"whsec_" + strings.Repeat("-", 32):           false,
		vectorSecret[:20] + "\n" + vectorSecret[20:]: false,
	} {
		if _, err := webhook.ParseSecret(s); (err == nil) != ok {
			t.Errorf("secret of %d characters: %v, want accepted %v", len(s), err, ok)
		}
	}
}

// FuzzVerify holds that nothing but our own signature over the very bytes is accepted.
func FuzzVerify(f *testing.F) {
	key := []byte(strings.Repeat("k", 32))
	now := time.Unix(vectorTime, 0)
	f.Add(vectorID, "1614265330", vectorSignature, []byte(vectorBody))
	f.Add("a.1614265330", "1614265330", "v1, v1,AA==", []byte("1614265330.{}"))
	f.Fuzz(func(t *testing.T, id, stamp, signature string, body []byte) {
		h := map[string]string{webhook.HeaderID: id, webhook.HeaderTimestamp: stamp, webhook.HeaderSignature: signature}
		if got, err := webhook.Verify(func(n string) string { return h[n] }, body, now, key); err == nil || got != "" {
			t.Fatalf("accepted without the secret: %q", got)
		}
		if id == "" || len(id) > webhook.MaxID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return
		}
		h[webhook.HeaderTimestamp] = "1614265330"
		h[webhook.HeaderSignature] = webhook.Sign(id, now, body, key)
		if got, err := webhook.Verify(func(n string) string { return h[n] }, body, now, key); err != nil || got != id {
			t.Fatalf("own signature refused: %v", err)
		}
	})
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
