//go:build peers

package kms_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/keys/keystest"
	adapter "github.com/steward-crm/steward/shared/keys/kms"
	"github.com/steward-crm/steward/shared/peertest"
)

func TestContractOnMoto(t *testing.T) {
	client := onMoto(t)
	k := adapter.New(client, pair(t, client))
	if err := k.Check(t.Context()); err != nil {
		t.Errorf("the start-up check: %v", err)
	}
	keystest.Run(t, func(*testing.T) keystest.Subject { return keystest.Subject{Keys: k} }, peertest.Lacks{
		"states":                       "a disabled key still works on moto: TestStates, on stub answers",
		"contexts of the same letters": "moto joins names and values without a border, as KMS does not: TestRequests shows that the context goes out as it is",
		"changes in the first bytes":   "moto looks a key up by them and says AccessDenied: TestErrors, on stub answers",
	})
}

// TestCheckOnMoto: every mistake in the configuration has its words, and all are told at once.
func TestCheckOnMoto(t *testing.T) {
	client := onMoto(t)
	ids := pair(t, client)
	off := pair(t, client)[keys.Audit]
	_, id, _ := strings.Cut(off, "key/") // moto takes no ARN here
	if _, err := client.DisableKey(t.Context(), &kms.DisableKeyInput{KeyId: &id}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		ids  map[keys.Purpose]string
		says []string
	}{
		{"none", nil, []string{`no key for "data"`, `no key for "audit"`}},
		{"exchanged", map[keys.Purpose]string{keys.Data: ids[keys.Audit], keys.Audit: ids[keys.Data]}, []string{"HMAC_256 for GENERATE_VERIFY_MAC", "SYMMETRIC_DEFAULT for ENCRYPT_DECRYPT"}},
		{"unknown", map[keys.Purpose]string{keys.Data: "00000000-0000-4000-8000-000000000000", keys.Audit: ids[keys.Audit]}, []string{"NotFoundException"}},
		{"off", map[keys.Purpose]string{keys.Data: ids[keys.Data], keys.Audit: off}, []string{"is Disabled, not Enabled"}},
	} {
		says(t, c.name, adapter.New(client, c.ids).Check(t.Context()), c.says...)
	}
}

func onMoto(t *testing.T) *kms.Client {
	t.Helper()
	o := clientAt(peers.Moto(t)).Options()
	o.HTTPClient = peers.Client()
	return kms.New(o)
}

func pair(t *testing.T, client *kms.Client) map[keys.Purpose]string {
	t.Helper()
	ids := map[keys.Purpose]string{}
	for p, in := range map[keys.Purpose]*kms.CreateKeyInput{
		keys.Data:  {KeyUsage: types.KeyUsageTypeEncryptDecrypt}, // KMS's default, which moto does not know
		keys.Audit: {KeySpec: types.KeySpecHmac256, KeyUsage: types.KeyUsageTypeGenerateVerifyMac},
	} {
		out, err := client.CreateKey(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		ids[p] = *out.KeyMetadata.Arn
	}
	return ids
}
