// Command webhook signs an onboarding webhook by Standard Webhooks 1.0.0 and sends it, for trying things out by hand. It prints what it
// sent and what came back, as curl -v does.
//
//	go run ./infra/webhook --slug acme --name "Acme Ltd" --admin-name "Ann Lee" --admin-email ann@acme.example
//	go run ./infra/webhook --type tenant.suspended --external-id acme
//	go run ./infra/webhook --file event.json --id msg_1
//
// The exit status is 0 for an answer of 2xx, 1 for any other or none, 2 for a mistake in the command line.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/tenant"
	"github.com/steward-crm/steward/shared/webhook"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now))
}

type options struct {
	url, secretFile, file, id, typ, at string
	external, locale, plan             string
	slug                               string
	company                            tenant.Company
	address                            string
	admin                              tenant.Admin
	quiet                              bool
}

func (o *options) flags(out io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("webhook", flag.ContinueOnError)
	f.SetOutput(out)
	f.StringVar(&o.url, "url", "http://127.0.0.1:3000/webhooks/onboarding", "where to send it")
	f.StringVar(&o.secretFile, "secret-file", ".steward/onboarding.whsec", "file with the secrets, one a line; the message is signed with each")
	f.StringVar(&o.file, "file", "", "send this file as it is, - for standard input; the flags of the event are then not used")
	f.StringVar(&o.id, "id", "", "webhook-id; send the same twice to see that it is received once (default: a fresh one)")
	f.StringVar(&o.typ, "type", tenant.TypeCreated, "tenant.created, .updated, .suspended, .resumed or .cancelled")
	f.StringVar(&o.at, "at", "", "timestamp of the event, RFC 3339 (default: now)")
	f.StringVar(&o.external, "external-id", "", "the sender's own id of the customer (default: the slug)")
	f.StringVar(&o.slug, "slug", "", "name of the tenant in addresses and at sign-in")
	f.StringVar(&o.company.Name, "name", "", "of the company")
	f.StringVar(&o.company.Phone, "phone", "", "of the company")
	f.StringVar(&o.company.Email, "email", "", "of the company")
	f.StringVar(&o.address, "address", "", "of the company")
	f.StringVar(&o.admin.Name, "admin-name", "", "of the first administrator")
	f.StringVar(&o.admin.Email, "admin-email", "", "of the first administrator")
	f.StringVar(&o.admin.Phone, "admin-phone", "", "of the first administrator")
	f.StringVar(&o.locale, "locale", "", "zh-CN, zh-TW or en")
	f.StringVar(&o.plan, "plan", "", strings.Join(tenant.Plans(), ", "))
	f.BoolVar(&o.quiet, "quiet", false, "print the body of the answer alone")
	return f
}

// run is main with its edges as parameters.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, now func() time.Time) int {
	var o options
	f := o.flags(stderr)
	if err := f.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if f.NArg() > 0 {
		fmt.Fprintf(stderr, "webhook: %q is no flag; see --help\n", f.Arg(0))
		return 2
	}
	secrets, err := readSecrets(o.secretFile)
	if err != nil {
		fmt.Fprintln(stderr, "webhook: "+err.Error())
		return 2
	}
	body, err := o.body(stdin, now)
	if err != nil {
		fmt.Fprintln(stderr, "webhook: "+err.Error())
		return 2
	}
	if o.id == "" {
		o.id = "msg_" + id.NewSource(now, rand.Reader).ULID()
	}
	ok, err := o.send(ctx, body, secrets, stdout, now())
	if err != nil {
		fmt.Fprintln(stderr, "webhook: "+err.Error())
		return 1
	}
	if !ok {
		return 1
	}
	return 0
}

func readSecrets(path string) ([][]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; `make run` makes one, or name another with --secret-file", err)
	}
	var secrets [][]byte
	for line := range strings.Lines(string(b)) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		s, err := webhook.ParseSecret(line)
		if err != nil {
			return nil, fmt.Errorf("%s: a line is no whsec_ secret", path)
		}
		secrets = append(secrets, s)
	}
	if len(secrets) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return secrets, nil
}

// body is the event: the file as it is, or what the flags say.
func (o *options) body(stdin io.Reader, now func() time.Time) ([]byte, error) {
	switch o.file {
	case "":
	case "-":
		return io.ReadAll(stdin)
	default:
		return os.ReadFile(o.file)
	}
	if o.at == "" {
		o.at = now().UTC().Format(time.RFC3339Nano)
	}
	if o.external == "" {
		o.external = o.slug
	}
	if o.external == "" {
		return nil, errors.New("--external-id is missing, or --slug for a new customer; see --help")
	}
	o.company.Address = tenant.Address(o.address)
	var data any
	switch o.typ {
	case tenant.TypeCreated:
		data = tenant.Created{ExternalID: o.external, Slug: o.slug, Company: o.company, Admin: o.admin, Locale: o.locale, Plan: o.plan}
	case tenant.TypeUpdated:
		d := tenant.Updated{ExternalID: o.external}
		if o.company != (tenant.Company{}) {
			d.Company = &o.company
		}
		if o.locale != "" {
			d.Locale = &o.locale
		}
		if o.plan != "" {
			d.Plan = &o.plan
		}
		data = d
	default:
		data = tenant.Status{ExternalID: o.external}
	}
	return json.Marshal(struct {
		Type      string `json:"type"`
		Timestamp string `json:"timestamp"`
		Data      any    `json:"data"`
	}{o.typ, o.at, data}, jsontext.WithIndent("  "))
}

// send reports whether the answer was a 2xx.
func (o *options) send(ctx context.Context, body []byte, secrets [][]byte, stdout io.Writer, now time.Time) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.url, bytes.NewReader(body))
	if err != nil {
		return false, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set(webhook.HeaderID, o.id)
	req.Header.Set(webhook.HeaderTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(webhook.HeaderSignature, webhook.Sign(o.id, now, body, secrets...))
	if !o.quiet {
		fmt.Fprintf(stdout, "> POST %s\n", o.url)
		headers(stdout, "> ", req.Header)
		fmt.Fprintf(stdout, ">\n%s\n\n", body)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		return false, err
	}
	if !o.quiet {
		fmt.Fprintf(stdout, "< %s\n", res.Status)
		headers(stdout, "< ", res.Header)
		fmt.Fprintln(stdout, "<")
	}
	fmt.Fprintf(stdout, "%s\n", bytes.TrimSpace(answer))
	return res.StatusCode/100 == 2, nil
}

func headers(w io.Writer, mark string, h http.Header) {
	names := make([]string, 0, len(h))
	for n := range h {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, v := range h[n] {
			fmt.Fprintf(w, "%s%s: %s\n", mark, strings.ToLower(n), v)
		}
	}
}
