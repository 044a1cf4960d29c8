package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/steward-crm/steward/functions/health"
	"github.com/steward-crm/steward/functions/roles"
	"github.com/steward-crm/steward/infra/lambda"
	"github.com/steward-crm/steward/infra/lambda/withidentity"
	"github.com/steward-crm/steward/infra/lambda/withkeys"
	"github.com/steward-crm/steward/infra/lambda/withnotify"
	"github.com/steward-crm/steward/infra/lambda/withqueue"
	"github.com/steward-crm/steward/infra/lambda/withsecret"
	"github.com/steward-crm/steward/infra/lambda/withtable"
	"github.com/steward-crm/steward/infra/lambda/withtokens"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/schema"
)

var sound = map[string]string{
	"_HANDLER": "x.y", "AWS_REGION": "eu-central-1", "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "hidden-1", "AWS_SESSION_TOKEN": "hidden-2",
	"STEWARD_TABLE": "steward-data", "STEWARD_KEYS_TABLE": "steward-keys", "STEWARD_KEY_DATA": "arn:aws:kms:eu-central-1:1:key/a",
	"STEWARD_KEY_AUDIT": "arn:aws:kms:eu-central-1:1:key/b", "STEWARD_POOL": "eu-central-1_abc", "STEWARD_CLIENT": "client",
	"STEWARD_CLIENT_SECRET": "hidden-3", "STEWARD_MAIL_FROM": "desk@example.com", "STEWARD_WEBHOOK_SECRET": "arn:aws:secretsmanager:eu-central-1:1:secret:x",
	"STEWARD_JOBS_QUEUE": "https://sqs.eu-central-1.amazonaws.com/1/jobs", "STEWARD_MESSAGES_QUEUE": "https://sqs.eu-central-1.amazonaws.com/1/messages", "LANG": "en", "STEWARD_BASE_URL": "https://api.example.com",
}

// environ is the sound environment with changes; "-" takes a variable away.
func environ(changes ...string) (out []string) {
	env := map[string]string{}
	for k, v := range sound {
		env[k] = v
	}
	for _, c := range changes {
		k, v, _ := strings.Cut(c, "=")
		if env[k] = v; v == "-" {
			delete(env, k)
		}
	}
	for k, v := range env {
		out = append(out, k+"="+v)
	}
	return out
}

// all is a group that needs everything there is.
func all() lambda.Group {
	cold := func(p lambda.Part) lambda.Part { p.Warm = nil; return p }
	return lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){"x.y": nothing, "x.z": nothing},
		cold(withtable.Part()), withkeys.DataAndAudit(), withtokens.Part(), withidentity.Part(), withnotify.Part(), withqueue.Part(), cold(withsecret.Part()))
}

// TestConfiguration: whatever is wrong is said at once, all of it, and no value is repeated.
func TestConfiguration(t *testing.T) {
	for name, c := range map[string]struct {
		changes []string
		wants   []string // parts of the error; none: it opens
	}{
		"sound": {},
		"everything is missing but what is optional": {
			[]string{
				"AWS_REGION=-", "AWS_ACCESS_KEY_ID=-", "STEWARD_TABLE=-", "STEWARD_KEYS_TABLE=-", "STEWARD_KEY_DATA=-", "STEWARD_KEY_AUDIT=-", "STEWARD_POOL=-",
				"STEWARD_CLIENT=-", "STEWARD_CLIENT_SECRET=-", "STEWARD_MAIL_FROM=-", "STEWARD_WEBHOOK_SECRET=-", "STEWARD_JOBS_QUEUE=-", "STEWARD_MESSAGES_QUEUE=-", "STEWARD_BASE_URL=-",
			},
			[]string{
				"AWS_REGION is missing", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing", "STEWARD_TABLE is missing", "STEWARD_KEYS_TABLE is missing",
				"STEWARD_KEY_DATA is missing", "STEWARD_KEY_AUDIT is missing", "STEWARD_POOL is missing", "STEWARD_CLIENT is missing", "STEWARD_CLIENT_SECRET is missing",
				"STEWARD_MAIL_FROM is missing", "STEWARD_WEBHOOK_SECRET is missing", "STEWARD_JOBS_QUEUE is missing", "STEWARD_MESSAGES_QUEUE is missing",
			},
		},
		"everything is malformed": {
			[]string{
				"STEWARD_TABLE=a b", "STEWARD_KEYS_TABLE=x", "STEWARD_KEY_DATA=hidden key", "STEWARD_POOL=pool", "STEWARD_CLIENT_SECRET=hidden\n", "STEWARD_MAIL_FROM=desk",
				"STEWARD_JOBS_QUEUE=jobs", "STEWARD_MESSAGES_QUEUE=messages", "STEWARD_BASE_URL=api", "STEWARD_SMS_SENDER=Steward Desk", "STEWARD_ISSUER=x", "AWS_ENDPOINT_URL_KMS=x",
			},
			[]string{
				"STEWARD_TABLE is not", "STEWARD_KEYS_TABLE is not", "STEWARD_KEY_DATA is not", "STEWARD_POOL is not", "STEWARD_CLIENT_SECRET is not", "STEWARD_MAIL_FROM is not",
				"STEWARD_JOBS_QUEUE is not", "STEWARD_MESSAGES_QUEUE is not", "STEWARD_BASE_URL is not", "STEWARD_SMS_SENDER is not", "STEWARD_ISSUER is not", "AWS_ENDPOINT_URL_KMS is not",
			},
		},
		"a misspelt variable":     {[]string{"STEWARD_TABEL=steward-data"}, []string{"STEWARD_TABEL is not known"}},
		"one table for both":      {[]string{"STEWARD_KEYS_TABLE=steward-data"}, []string{"two tables"}},
		"an unknown handler":      {[]string{"_HANDLER=x.w"}, []string{`"x.w"`, "x.y, x.z"}},
		"no handler":              {[]string{"_HANDLER=-"}, []string{"_HANDLER is missing", "x.y, x.z"}},
		"no handler and a typo":   {[]string{"_HANDLER=-", "STEWARD_X=1"}, []string{"_HANDLER is missing", "STEWARD_X is not known"}},
		"only half a credential":  {[]string{"AWS_SECRET_ACCESS_KEY=-"}, []string{"AWS_ACCESS_KEY_ID and"}},
		"an endpoint of a region": {[]string{"AWS_ENDPOINT_URL=https://vpce.example.com"}, nil},
	} {
		_, err := lambda.Open(t.Context(), environ(c.changes...), time.Now, quiet(), all())
		if (err == nil) != (len(c.wants) == 0) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, want := range c.wants {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in %v", name, want, err)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: a value is shown: %v", name, err)
		}
	}
}

// TestNeedsOfTheGroup: a function without a part needs nothing of its environment.
func TestNeedsOfTheGroup(t *testing.T) {
	still := lambda.HTTP(func(*platform.Platform) []edge.Route { return health.Routes() })
	h, err := lambda.Open(t.Context(), []string{"_HANDLER=health.get"}, time.Now, quiet(), still)
	if err != nil {
		t.Fatal(err)
	}
	if a := invoke(t, h, event{method: http.MethodGet, path: "/healthz"}); a.StatusCode != http.StatusOK || a.Body != `{"status":"ok"}` {
		t.Errorf("%+v", a)
	}
	if _, err := lambda.Open(t.Context(), []string{"_HANDLER=health.set"}, time.Now, quiet(), all(), still); err == nil || !strings.Contains(err.Error(), "health.get, x.y, x.z") {
		t.Errorf("an unknown operation: %v", err)
	}
}

// TestOneOperation: a process serves its own operation; any other path or method it does not know.
func TestOneOperation(t *testing.T) {
	w := newWorld(t)
	h, err := lambda.Open(t.Context(), environ("_HANDLER=roles.get"), time.Now, quiet(), lambda.HTTP(roles.Routes, local(w.Deployment)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/v1/roles/x", http.StatusUnauthorized},
		{http.MethodPatch, "/v1/roles/x", http.StatusMethodNotAllowed},
		{http.MethodGet, "/v1/roles", http.StatusNotFound},
		{http.MethodGet, "/healthz", http.StatusNotFound},
	} {
		if a := invoke(t, h, event{method: c.method, path: c.path}); a.StatusCode != c.status {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.StatusCode, a.Body)
		}
	}
}

// TestWarm: the start asks once, and neither a failure nor the want of an answer keeps a function from serving; data of newer code does.
func TestWarm(t *testing.T) {
	asked := 0
	newer := func(context.Context, *lambda.Deployment) error { return fmt.Errorf("the table: %w", schema.ErrNewer) }
	if _, err := lambda.Open(t.Context(), environ(), time.Now, quiet(), lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){"x.y": nothing}, lambda.Part{
		Open: func(*lambda.Deployment) error { return nil }, Warm: newer,
	})); !errors.Is(err, schema.ErrNewer) {
		t.Errorf("it starts over newer data: %v", err)
	}
	for name, warm := range map[string]func(context.Context, *lambda.Deployment) error{
		"answers": func(context.Context, *lambda.Deployment) error { asked++; return nil },
		"fails":   func(context.Context, *lambda.Deployment) error { asked++; return errors.New("away") },
		"hangs": func(ctx context.Context, _ *lambda.Deployment) error {
			asked++
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("it would hang for ever")
			}
			return ctx.Err()
		},
	} {
		before := asked
		h, err := lambda.Open(t.Context(), environ(), time.Now, quiet(), lambda.Events(map[string]func(*lambda.Deployment) (lambda.Handler, error){"x.y": nothing}, lambda.Part{
			Open: func(*lambda.Deployment) error { return nil }, Warm: warm,
		}))
		if err != nil || h == nil || asked != before+1 {
			t.Errorf("%s: asked %d times, %v", name, asked-before, err)
		}
	}
}

// TestSparing: garbage is collected sooner than Go does by itself, but not before the first invocation is answered.
func TestSparing(t *testing.T) {
	const before = 321
	was := debug.SetGCPercent(before)
	t.Cleanup(func() { debug.SetGCPercent(was) })
	percent := func() int {
		p := debug.SetGCPercent(before)
		debug.SetGCPercent(p)
		return p
	}
	h, err := lambda.Open(t.Context(), []string{"_HANDLER=health.get"}, time.Now, quiet(), lambda.HTTP(func(*platform.Platform) []edge.Route { return health.Routes() }))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{before, 50, 50} {
		invoke(t, h, event{method: http.MethodGet, path: "/healthz"})
		if got := percent(); got != want {
			t.Errorf("after invocation %d it waits for %d %% of what is alive, not %d", i+1, got, want)
		}
	}
}

func TestSecretsAreNotPrinted(t *testing.T) {
	c := lambda.Config{ClientSecret: "hidden", SecretKey: "hidden", SessionToken: "hidden"}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(form, c); strings.Contains(s, "hidden") {
			t.Errorf("%s prints %s", form, s)
		}
	}
}
