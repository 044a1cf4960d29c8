package kms_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/keys"
	adapter "github.com/steward-crm/steward/shared/keys/kms"
)

const (
	dataKey  = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000001"
	auditKey = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000002"
)

var ids = map[keys.Purpose]string{keys.Data: dataKey, keys.Audit: auditKey}

// clientAt is a client as a main builds one, but for the address and one attempt only.
func clientAt(url string) *kms.Client {
	return kms.New(kms.Options{
		Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	})
}

// stub answers every call with the status and body, which are KMS's by its API reference (November 2026), and keeps what was asked.
func stub(t *testing.T, status int, body string) (k *adapter.Keys, asked *[]string) {
	t.Helper()
	asked = new([]string)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		*asked = append(*asked, r.Header.Get("X-Amz-Target")+" "+string(b))
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return adapter.New(clientAt(s.URL), ids), asked
}

// calls are the three calls of the port.
func calls(ctx context.Context, k keys.Keys) map[string]error {
	_, _, err1 := k.GenerateDataKey(ctx, keys.Data, keys.Context{"tenant": "tnt_01"})
	_, err2 := k.Decrypt(ctx, keys.Data, []byte("wrapped"), keys.Context{"tenant": "tnt_01"})
	_, err3 := k.Mac(ctx, keys.Audit, []byte("m"))
	return map[string]error{"GenerateDataKey": err1, "Decrypt": err2, "Mac": err3}
}

// TestStates: what KMS answers for a key that is off, which moto does not enforce.
func TestStates(t *testing.T) {
	for _, body := range []string{
		`{"__type":"DisabledException","message":"arn:aws:kms:us-east-1:111122223333:key/1 is disabled."}`,
		`{"__type":"KMSInvalidStateException","message":"arn:aws:kms:us-east-1:111122223333:key/1 is pending deletion."}`,
		`{"__type":"NotFoundException","message":"Key 'arn:aws:kms:us-east-1:111122223333:key/1' does not exist"}`,
		`{"__type":"InvalidKeyUsageException","message":"arn:aws:kms:us-east-1:111122223333:key/1 key usage is GENERATE_VERIFY_MAC which is not valid for Decrypt."}`,
		`{"__type":"AccessDeniedException","message":"User: arn:aws:sts::111122223333:assumed-role/r is not authorized to perform: kms:Decrypt"}`,
	} {
		k, _ := stub(t, 400, body)
		for call, err := range calls(t.Context(), k) {
			wants(t, call+" "+body, err, fault.Locked, "key_unavailable")
		}
	}
}

// TestErrors: a wrapped key that is not its own, and everything passing.
func TestErrors(t *testing.T) {
	for _, body := range []string{
		`{"__type":"InvalidCiphertextException"}`,
		`{"__type":"IncorrectKeyException","message":"The key ID in the request does not identify a CMK that can perform this operation."}`,
	} {
		k, _ := stub(t, 400, body)
		wants(t, body, calls(t.Context(), k)["Decrypt"], fault.Internal, "key_mismatch")
	}
	for _, c := range []struct {
		status int
		body   string
	}{
		{400, `{"__type":"ThrottlingException","message":"Rate exceeded"}`},
		{400, `{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`},
		{400, `{"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}`},
		{500, `{"__type":"KMSInternalException"}`},
		{500, `{"__type":"KeyUnavailableException"}`},
		{503, `<html>no JSON at all</html>`},
		{200, `{"Plaintext":`},
	} {
		k, _ := stub(t, c.status, c.body)
		for call, err := range calls(t.Context(), k) {
			wants(t, call+" "+c.body, err, fault.Unavailable, "keys_unavailable")
		}
	}
}

// TestRequests: what is asked, byte for byte: the key of the purpose, the context, an algorithm.
func TestRequests(t *testing.T) {
	k, asked := stub(t, 200, `{"Plaintext":"AAAA","CiphertextBlob":"AAAA","Mac":"AAAA"}`)
	_, _, err1 := k.GenerateDataKey(t.Context(), keys.Data, keys.Context{"tenant": "tnt_01"})
	_, err2 := k.Decrypt(t.Context(), keys.Data, []byte("wrapped"), keys.Context{"tenant": "tnt_01"})
	_, err3 := k.Mac(t.Context(), keys.Audit, []byte("m"))
	for _, err := range []error{err1, err2, err3} {
		if err != nil {
			t.Error(err)
		}
	}
	want := []string{
		`TrentService.GenerateDataKey {"EncryptionContext":{"tenant":"tnt_01"},"KeyId":"` + dataKey + `","KeySpec":"AES_256"}`,
		`TrentService.Decrypt {"CiphertextBlob":"d3JhcHBlZA==","EncryptionContext":{"tenant":"tnt_01"},"KeyId":"` + dataKey + `"}`,
		`TrentService.GenerateMac {"KeyId":"` + auditKey + `","MacAlgorithm":"HMAC_SHA_256","Message":"bQ=="}`,
	}
	if got := strings.Join(*asked, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("asked\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// TestCheck: what only the far side of a network shows.
func TestCheck(t *testing.T) {
	k, _ := stub(t, 400, `{"__type":"ExpiredTokenException","message":"The security token included in the request is expired"}`)
	says(t, "expired credentials", k.Check(t.Context()), "ExpiredTokenException", dataKey, auditKey)
	k, _ = stub(t, 200, `{"KeyMetadata":{"KeyId":"1","Arn":"arn:aws:kms:eu-west-1:111122223333:key/1","KeyState":"Enabled","KeyUsage":"ENCRYPT_DECRYPT","KeySpec":"SYMMETRIC_DEFAULT"}}`)
	says(t, "another region", k.Check(t.Context()), "is not in region us-east-1")
	says(t, "nobody there", adapter.New(clientAt("http://127.0.0.1:1"), ids).Check(t.Context()), "connection refused", "us-east-1")
}

func wants(t *testing.T, what string, err error, k fault.Kind, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Kind != k || f.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func says(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: accepted", what)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%s: %q does not say %q", what, err, p)
		}
	}
}
