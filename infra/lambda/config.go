package lambda

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Var is a variable of the environment.
type Var string

// The variables of Steward. Parts say which they need; those that are optional may be empty.
const (
	Table         Var = "STEWARD_TABLE"
	KeysTable     Var = "STEWARD_KEYS_TABLE"
	KeyData       Var = "STEWARD_KEY_DATA"
	KeyAudit      Var = "STEWARD_KEY_AUDIT"
	Pool          Var = "STEWARD_POOL"
	Client        Var = "STEWARD_CLIENT"
	ClientSecret  Var = "STEWARD_CLIENT_SECRET"
	Issuer        Var = "STEWARD_ISSUER" // optional: of a stand-in for Cognito; else it follows from pool and region
	MailFrom      Var = "STEWARD_MAIL_FROM"
	MailSet       Var = "STEWARD_MAIL_SET"   // optional
	SMSSender     Var = "STEWARD_SMS_SENDER" // optional
	WebhookSecret Var = "STEWARD_WEBHOOK_SECRET"
	JobsQueue     Var = "STEWARD_JOBS_QUEUE"
	MessagesQueue Var = "STEWARD_MESSAGES_QUEUE"
	FeedStream    Var = "STEWARD_STREAM"
	BaseURL       Var = "STEWARD_BASE_URL" // optional: for links in mails
)

// Secret prints as [redacted].
type Secret string

// String and GoString keep the secret out of anything that prints it by mistake.
func (Secret) String() string   { return "[redacted]" }
func (Secret) GoString() string { return "[redacted]" }

// Config is the environment of one function, read once.
type Config struct {
	Region        string
	Table         string
	KeysTable     string
	KeyData       string
	KeyAudit      string
	Pool          string
	Client        string
	ClientSecret  Secret
	Issuer        string
	MailFrom      string
	MailSet       string
	SMSSender     string
	WebhookSecret string // ARN
	JobsQueue     string // URL
	MessagesQueue string // URL
	Stream        string // ARN
	BaseURL       string

	AccessKey    string // the role's credentials, as Lambda puts them into the environment
	SecretKey    Secret
	SessionToken Secret

	endpoints map[string]string // by the SDK's name of the service; "" is that of all others
}

// setting is where a variable goes and what it has to be.
type setting struct {
	name     Var
	optional bool
	into     func(*Config) *string
	fits     func(string) bool
	form     string
}

var settings = []setting{
	{Table, false, func(c *Config) *string { return &c.Table }, isTable, "the name of a DynamoDB table"},
	{KeysTable, false, func(c *Config) *string { return &c.KeysTable }, isTable, "the name of a DynamoDB table"},
	{KeyData, false, func(c *Config) *string { return &c.KeyData }, isWord, "the id or ARN of a KMS key"},
	{KeyAudit, false, func(c *Config) *string { return &c.KeyAudit }, isWord, "the id or ARN of a KMS key"},
	{Pool, false, func(c *Config) *string { return &c.Pool }, isPool, "the id of a Cognito pool, REGION_ID"},
	{Client, false, func(c *Config) *string { return &c.Client }, isWord, "the id of a Cognito client"},
	{ClientSecret, false, func(c *Config) *string { return (*string)(&c.ClientSecret) }, isWord, "the secret of the Cognito client"},
	{Issuer, true, func(c *Config) *string { return &c.Issuer }, isURL, "a URL"},
	{MailFrom, false, func(c *Config) *string { return &c.MailFrom }, isAddress, "an e-mail address"},
	{MailSet, true, func(c *Config) *string { return &c.MailSet }, isWord, "the name of an SES configuration set"},
	{SMSSender, true, func(c *Config) *string { return &c.SMSSender }, isSender, "1 to 11 letters and digits"},
	{WebhookSecret, false, func(c *Config) *string { return &c.WebhookSecret }, isWord, "the name or ARN of a secret"},
	{JobsQueue, false, func(c *Config) *string { return &c.JobsQueue }, isURL, "the URL of an SQS queue"},
	{MessagesQueue, false, func(c *Config) *string { return &c.MessagesQueue }, isURL, "the URL of an SQS queue"},
	{FeedStream, false, func(c *Config) *string { return &c.Stream }, isStream, "the ARN of a table's stream"},
	{BaseURL, true, func(c *Config) *string { return &c.BaseURL }, isURL, "a URL"},
}

// readConfig reads what is wanted. Its error names everything that is missing, malformed, or not known: a misspelt variable would otherwise
// look like one that is not set. Values are not repeated, for some are secrets.
func readConfig(environ []string, wanted []Var) (*Config, error) {
	c := &Config{endpoints: map[string]string{}}
	var wrong []error
	env := map[string]string{}
	for _, e := range environ {
		k, v, _ := strings.Cut(e, "=")
		env[k] = v
		switch service, ok := strings.CutPrefix(k, "AWS_ENDPOINT_URL"); {
		case ok && v != "" && !isURL(v):
			wrong = append(wrong, fmt.Errorf("%s is not a URL", k))
		case ok && v != "":
			c.endpoints[strings.TrimPrefix(service, "_")] = v
		case strings.HasPrefix(k, "STEWARD_") && !slices.ContainsFunc(settings, func(s setting) bool { return string(s.name) == k }):
			wrong = append(wrong, fmt.Errorf("%s is not known", k))
		}
	}
	for _, s := range settings {
		v := env[string(s.name)]
		switch {
		case !slices.Contains(wanted, s.name):
		case v == "" && !s.optional:
			wrong = append(wrong, fmt.Errorf("%s is missing: %s", s.name, s.form))
		case v != "" && !s.fits(v):
			wrong = append(wrong, fmt.Errorf("%s is not %s", s.name, s.form))
		default:
			*s.into(c) = v
		}
	}
	if len(wanted) > 0 {
		if c.Region = env["AWS_REGION"]; !isWord(c.Region) {
			wrong = append(wrong, errors.New("AWS_REGION is missing"))
		}
		c.AccessKey, c.SecretKey, c.SessionToken = env["AWS_ACCESS_KEY_ID"], Secret(env["AWS_SECRET_ACCESS_KEY"]), Secret(env["AWS_SESSION_TOKEN"])
		if c.AccessKey == "" || c.SecretKey == "" {
			wrong = append(wrong, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are missing"))
		}
	}
	if len(wrong) > 0 {
		slices.SortFunc(wrong, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
		return nil, errors.Join(wrong...)
	}
	return c, nil
}

// Endpoint is where a service answers when it is not AWS's own address; nil: it is. The name is the SDK's, such as DYNAMODB.
func (c *Config) Endpoint(service string) *string {
	for _, name := range []string{service, ""} {
		if v := c.endpoints[name]; v != "" {
			return &v
		}
	}
	return nil
}

func isWord(s string) bool {
	return s != "" && len(s) <= 2048 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

func isTable(s string) bool {
	return len(s) >= 3 && len(s) <= 255 && !strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) && !strings.ContainsRune("_.-", r) })
}

func isStream(s string) bool {
	return strings.HasPrefix(s, "arn:") && strings.Contains(s, ":table/") && strings.Contains(s, "/stream/") && isWord(s)
}

func isPool(s string) bool {
	region, rest, ok := strings.Cut(s, "_")
	return ok && region != "" && rest != "" && isWord(s) && !strings.Contains(s, "/")
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && isWord(s)
}

func isAddress(s string) bool {
	name, domain, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Contains(domain, ".") && isWord(s) && !strings.Contains(domain, "@")
}

func isSender(s string) bool {
	return s != "" && len(s) <= 11 && !strings.ContainsFunc(s, func(r rune) bool { return !isAlphanumeric(r) })
}

func isAlphanumeric(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
}
