// Package withsecret names Secrets Manager as where the secrets of onboarding webhooks lie.
package withsecret

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withaws"
	"github.com/steward-crm/steward/shared/webhook"
)

// fresh is how long secrets are used before they are asked for again: one that was rotated out is refused after it, at the latest.
const fresh = 5 * time.Minute

// Part reads the secret's current version and the one before it: one line each, whsec_….
func Part() lambda.Part {
	return lambda.Part{
		Vars: []lambda.Var{lambda.WebhookSecret},
		Open: func(d *lambda.Deployment) error {
			h := &held{d: d, client: secretsmanager.New(secretsmanager.Options{
				Region: d.Config.Region, Credentials: withaws.Credentials(d.Config), HTTPClient: withaws.HTTP(), BaseEndpoint: d.Config.Endpoint("SECRETS_MANAGER"),
			})}
			d.Webhook = h.secrets
			return nil
		},
		Warm: func(_ context.Context, d *lambda.Deployment) error { d.Webhook(); return nil },
	}
}

type held struct {
	d      *lambda.Deployment
	client *secretsmanager.Client

	mu   sync.Mutex
	keys [][]byte
	at   time.Time
}

// secrets answers what was read last when Secrets Manager does not answer now.
func (h *held) secrets() [][]byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.d.Now()
	if len(h.keys) > 0 && now.Sub(h.at) < fresh {
		return h.keys
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	keys, err := h.read(ctx)
	if err != nil {
		h.d.Log.Error("webhook secrets", "error", err.Error())
		return h.keys
	}
	h.keys, h.at = keys, now
	return keys
}

func (h *held) read(ctx context.Context) (all [][]byte, err error) {
	out, err := h.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &h.d.Config.WebhookSecret})
	if err != nil {
		return nil, err
	}
	if out.SecretString == nil {
		return nil, fmt.Errorf("the secret is no text")
	}
	for line := range strings.Lines(*out.SecretString) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		k, err := webhook.ParseSecret(line)
		if err != nil {
			return nil, fmt.Errorf("a line of the secret is no whsec_ secret")
		}
		all = append(all, k)
	}
	return all, nil
}
