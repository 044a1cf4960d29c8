// Package kms is the key service on AWS: a symmetric KMS key that wraps data keys, an HMAC KMS key that makes MACs. Master keys never leave
// KMS; which key serves which purpose is configured. The package knows how KMS says that a key is off or that a wrapped key is not its own,
// and nothing of what is wrapped.
package kms

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/keys"
)

// The limits of KMS (API reference, November 2026): bytes of a wrapped key and of a message.
const (
	maxWrapped = 6144
	maxMessage = 4096
)

// Keys is the key service over KMS. Safe for concurrent use.
type Keys struct {
	client *kms.Client
	ids    map[keys.Purpose]string
}

var _ keys.Keys = (*Keys)(nil)

// New returns the service. ids names the KMS key of each purpose by ARN: that of keys.Data is a symmetric encryption key, that of keys.Audit
// an HMAC_256 key. A purpose without one is Locked key_unavailable whenever it is asked for.
func New(client *kms.Client, ids map[keys.Purpose]string) *Keys {
	return &Keys{client: client, ids: ids}
}

// Check asks KMS about every key and answers one error that names all that is wrong: keys that are missing, off, made for another use or in
// another region. For the start of a process, and for who deploys.
func (k *Keys) Check(ctx context.Context) error {
	region := k.client.Options().Region
	var wrong []error
	for _, want := range []struct {
		p    keys.Purpose
		use  types.KeyUsageType
		spec types.KeySpec
	}{{keys.Data, types.KeyUsageTypeEncryptDecrypt, types.KeySpecSymmetricDefault}, {keys.Audit, types.KeyUsageTypeGenerateVerifyMac, types.KeySpecHmac256}} {
		id := k.ids[want.p]
		if id == "" {
			wrong = append(wrong, fmt.Errorf("no key for %q is configured", want.p))
			continue
		}
		out, err := k.client.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &id})
		if err != nil {
			wrong = append(wrong, fmt.Errorf("key %q (%s) in %s: %w", want.p, id, region, err))
			continue
		}
		m := out.KeyMetadata
		if m.KeyState != types.KeyStateEnabled {
			wrong = append(wrong, fmt.Errorf("key %q (%s) is %s, not Enabled", want.p, id, m.KeyState))
		}
		if m.KeyUsage != want.use || m.KeySpec != want.spec {
			wrong = append(wrong, fmt.Errorf("key %q (%s) is %s for %s; %s for %s is wanted", want.p, id, m.KeySpec, m.KeyUsage, want.spec, want.use))
		}
		if parts := strings.Split(aws.ToString(m.Arn), ":"); len(parts) < 4 || parts[3] != region {
			wrong = append(wrong, fmt.Errorf("key %q (%s) is not in region %s", want.p, id, region))
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	return fmt.Errorf("keys: %w", errors.Join(wrong...))
}

// GenerateDataKey answers as the port says.
func (k *Keys) GenerateDataKey(ctx context.Context, p keys.Purpose, c keys.Context) (plain, wrapped []byte, err error) {
	id, err := k.id(p, keys.Data)
	if err != nil {
		return nil, nil, err
	}
	out, err := k.client.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &id, KeySpec: types.DataKeySpecAes256, EncryptionContext: c})
	if err != nil {
		return nil, nil, fold(err)
	}
	return out.Plaintext, out.CiphertextBlob, nil
}

// Decrypt answers as the port says.
func (k *Keys) Decrypt(ctx context.Context, p keys.Purpose, wrapped []byte, c keys.Context) ([]byte, error) {
	id, err := k.id(p, keys.Data)
	if err != nil {
		return nil, err
	}
	if len(wrapped) == 0 || len(wrapped) > maxWrapped { // KMS would call it a mistake of the request's form
		return nil, fault.New(fault.Internal, "key_mismatch")
	}
	out, err := k.client.Decrypt(ctx, &kms.DecryptInput{KeyId: &id, CiphertextBlob: wrapped, EncryptionContext: c})
	if err != nil {
		return nil, fold(err)
	}
	return out.Plaintext, nil
}

// Mac answers as the port says.
func (k *Keys) Mac(ctx context.Context, p keys.Purpose, message []byte) ([]byte, error) {
	id, err := k.id(p, keys.Audit)
	if err != nil {
		return nil, err
	}
	if len(message) == 0 || len(message) > maxMessage {
		return nil, fault.New(fault.Internal, "internal").Because(errors.New("keys: a message of 1 to 4,096 bytes is wanted"))
	}
	out, err := k.client.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: &id, MacAlgorithm: types.MacAlgorithmSpecHmacSha256, Message: message})
	if err != nil {
		return nil, fold(err)
	}
	return out.Mac, nil
}

// id gives the KMS key of the purpose if the purpose is the one that does what the call does.
func (k *Keys) id(p, use keys.Purpose) (string, error) {
	id := k.ids[p]
	if id == "" || p != use {
		return "", fault.New(fault.Locked, "key_unavailable").Because(fmt.Errorf("keys: there is no key %q for this use", p))
	}
	return id, nil
}

// fold turns an error of KMS into the port's. What an operator or a key policy took away is Locked; KeyUnavailableException, for all its
// name, is KMS's own and passing.
func fold(err error) error {
	code := ""
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code = e.ErrorCode()
	}
	switch code {
	case "InvalidCiphertextException", "IncorrectKeyException":
		return fault.New(fault.Internal, "key_mismatch").Because(err)
	case "DisabledException", "KMSInvalidStateException", "NotFoundException", "InvalidKeyUsageException", "InvalidArnException", "AccessDeniedException":
		return fault.New(fault.Locked, "key_unavailable").Because(err)
	}
	return fault.New(fault.Unavailable, "keys_unavailable").Because(err)
}
