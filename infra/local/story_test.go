package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/steward-crm/steward/shared/table"
	"github.com/steward-crm/steward/shared/webhook"
)

// TestStories runs the scripts of testdata/stories, each against a process of its own, over HTTP. The commands:
//
//	onboard SLUG               a signed webhook makes the tenant; its administrator answers the invitation: "as admin", "as admin@SLUG"
//	webhook ID FILE [SECRET]   sends the file as a signed event; $VARIABLES in it are filled in
//	now VARIABLE [LATER]       keeps the time, for an event; or the time that is so much later, for an end
//	enter NAME EMAIL           answers the newest invitation to the address: "as NAME"
//	as NAME | nobody           whose token the next calls carry
//	header NAME VALUE          of the next call only
//	call METHOD PATH [BODY]    one request; $VARIABLES of path and body are filled in
//	status N [CODE]            of the last answer, and of its problem document
//	match PATH REGEXP          a member of the last answer, such as items.0.name; ETag and other headers as header.NAME
//	save VARIABLE PATH         keeps a member of the last answer
//	count PATH N               length of an array of the last answer
//	snapshot, unchanged        the store now, and that it is byte for byte as it was (denied events aside)
//	await METHOD PATH MEMBER REGEXP  the request again and again until the member fits, for what follows a change by moments
//	code VARIABLE TO TEMPLATE  the newest code sent to the address
//	abandon VARIABLE KIND PAYLOAD  leaves a job behind as a worker does that dies; $VARIABLES of the payload are filled in
//	lose NAME                  on Lambda: the pool loses the identity of who entered by this name
//	invoke HANDLER             on Lambda: a function that no client calls runs now
//	totp VARIABLE SECRET now | next | none  an authenticator's code: of now, of the step after, of no step near
//
// A line that begins with [gateway] is for an API behind API Gateway only, with [!gateway] for one that is not: the gateway answers in its own
// words where no route fits.
func TestStories(t *testing.T) {
	tell(t, "stories", false, func(dir string) (*story, func() error, error) {
		s, err := newStory(config{addr: "127.0.0.1:0", data: filepath.Join(dir, "data")})
		if err != nil {
			return nil, nil, err
		}
		return s, s.process.stop, nil
	})
}

// tell runs the scripts of the folder below testdata, each against a deployment of its own that is made in the folder.
func tell(t *testing.T, scripts string, gateway bool, deploy func(dir string) (s *story, stop func() error, err error)) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", scripts),
		Condition: func(cond string) (bool, error) {
			if cond != "gateway" {
				return false, fmt.Errorf("condition %s is not known", cond)
			}
			return gateway, nil
		},
		Setup: func(env *testscript.Env) error {
			s, stop, err := deploy(env.WorkDir)
			if err != nil {
				return err
			}
			env.Defer(func() {
				if err := stop(); err != nil {
					t.Error(err) // a panic would end the tests, and leave what the other scripts have started
				}
			})
			env.Values["story"] = s
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"onboard":   command(1, 1, (*story).onboard),
			"webhook":   command(2, 3, (*story).webhook),
			"now":       command(1, 2, (*story).now),
			"enter":     command(2, 2, (*story).enter),
			"as":        command(1, 1, (*story).as),
			"header":    command(2, 2, (*story).setHeader),
			"call":      command(2, 3, (*story).call),
			"status":    command(1, 2, (*story).wantStatus),
			"match":     command(2, 2, (*story).match),
			"save":      command(2, 2, (*story).save),
			"count":     command(2, 2, (*story).count),
			"await":     command(4, 4, (*story).await),
			"code":      command(3, 3, (*story).code),
			"abandon":   command(3, 3, (*story).abandon),
			"lose":      command(1, 1, (*story).lose),
			"invoke":    command(1, 1, (*story).invoke),
			"totp":      command(3, 3, (*story).totp),
			"snapshot":  command(0, 0, (*story).snapshot),
			"unchanged": command(0, 0, (*story).unchanged),
		},
	})
}

// runner is what a story needs of whoever runs it: a script, or a benchmark.
type runner interface {
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Check(err error)
	Getenv(name string) string
	Setenv(name, value string)
	ReadFile(name string) string
}

// story is one running script.
type story struct {
	ts      runner
	process *process
	remote  *remote // where the deployment is when it is no process of this machine's own kind; nil: process
	secret  []byte
	tokens  map[string]string
	who     string
	next    http.Header
	digest  string

	status int
	header http.Header
	body   []byte
}

// remote is a deployment elsewhere: its API, and its table, which snapshots read.
type remote struct {
	url   string
	store table.Table
	lose  func(user string) error // its identity; nil: not here
}

func (s *story) at() remote {
	if s.remote != nil {
		return *s.remote
	}
	return remote{url: s.process.url, store: s.process.store}
}

func newStory(cfg config) (*story, error) {
	p, err := start(cfg, quiet())
	if err != nil {
		return nil, err
	}
	secrets, err := readSecrets(cfg.path(secretFile))
	if err != nil {
		return nil, err
	}
	return &story{process: p, secret: secrets[0], tokens: map[string]string{"nobody": ""}, who: "nobody", next: http.Header{}}, nil
}

func command(least, most int, do func(*story, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) < least || len(args) > most {
			ts.Fatalf("wrong use; see the comment of TestStories")
		}
		s := ts.Value("story").(*story)
		s.ts = ts
		do(s, args)
	}
}

func (s *story) do(method, path string, body []byte, header http.Header) {
	req, err := http.NewRequest(method, s.at().url+path, bytes.NewReader(body))
	s.ts.Check(err)
	if body == nil {
		req.Body, req.ContentLength = nil, 0
	} else {
		req.Header.Set("Content-Type", "application/json")
	}
	if t := s.tokens[s.who]; t != "" {
		req.Header.Set("Authorization", "Bearer "+t)
	}
	for name := range header {
		req.Header.Set(name, header.Get(name))
	}
	res, err := http.DefaultClient.Do(req)
	s.ts.Check(err)
	defer res.Body.Close()
	s.status, s.header = res.StatusCode, res.Header
	s.body, err = io.ReadAll(res.Body)
	s.ts.Check(err)
	s.ts.Logf("%s %s: %d %s", method, path, s.status, s.body)
}

func (s *story) call(args []string) {
	if _, ok := s.tokens[s.who]; !ok {
		s.ts.Fatalf("nobody is called %s here", s.who)
	}
	var body []byte
	if len(args) == 3 {
		body = []byte(s.expand(args[2]))
	}
	header := s.next
	s.next = http.Header{}
	s.do(args[0], args[1], body, header)
	if s.status == http.StatusServiceUnavailable && s.header.Get("Retry-After") == "1" {
		time.Sleep(time.Second) // as a good client does; a sign-in in the very second in which all sessions were ended asks for it
		s.do(args[0], args[1], body, header)
	}
}

func (s *story) as(args []string)        { s.who = args[0] }
func (s *story) setHeader(args []string) { s.next.Set(args[0], s.expand(args[1])) }

func (s *story) wantStatus(args []string) {
	if strconv.Itoa(s.status) != args[0] {
		s.ts.Fatalf("status %d, want %s: %s", s.status, args[0], s.body)
	}
	if len(args) == 2 && s.member("code") != args[1] {
		s.ts.Fatalf("code %s, want %s: %s", s.member("code"), args[1], s.body)
	}
}

func (s *story) match(args []string) {
	re, err := regexp.Compile(s.expand(args[1]))
	s.ts.Check(err)
	if got := s.member(args[0]); !re.MatchString(got) {
		s.ts.Fatalf("%s is %q, want %s: %s", args[0], got, re, s.body)
	}
}

func (s *story) await(args []string) {
	re, err := regexp.Compile(args[3])
	s.ts.Check(err)
	s.until(args[2]+" is "+args[3], func() bool {
		s.call(args[:2])
		return re.MatchString(s.member(args[2]))
	})
}

func (s *story) save(args []string) {
	v := s.member(args[1])
	if v == "" {
		s.ts.Fatalf("no %s in %s", args[1], s.body)
	}
	s.ts.Setenv(args[0], v)
}

func (s *story) count(args []string) {
	var list []jsontext.Value
	if err := json.Unmarshal([]byte(s.member(args[0])), &list); err != nil {
		s.ts.Fatalf("%s is no array: %s", args[0], s.body)
	}
	if strconv.Itoa(len(list)) != args[1] {
		s.ts.Fatalf("%s has %d members, want %s: %s", args[0], len(list), args[1], s.body)
	}
}

// member gives a part of the last answer: text as it is, anything else as JSON, "" when it is not there.
func (s *story) member(path string) string {
	if name, ok := strings.CutPrefix(path, "header."); ok {
		return s.header.Get(name)
	}
	v := jsontext.Value(s.body)
	for part := range strings.SplitSeq(path, ".") {
		if i, err := strconv.Atoi(part); err == nil {
			var list []jsontext.Value
			if json.Unmarshal(v, &list) != nil || i >= len(list) {
				return ""
			}
			v = list[i]
			continue
		}
		var m map[string]jsontext.Value
		if json.Unmarshal(v, &m) != nil {
			return ""
		}
		v = m[part]
	}
	if v.Kind() == '"' {
		var text string
		s.ts.Check(json.Unmarshal(v, &text))
		return text
	}
	return string(v)
}

func (s *story) webhook(args []string) {
	secret := s.secret
	if len(args) == 3 {
		secret = []byte(args[2])
	}
	s.signed(args[0], []byte(s.expand(s.ts.ReadFile(args[1]))), secret)
}

// expand fills in $VARIABLES.
func (s *story) expand(text string) string { return os.Expand(text, s.ts.Getenv) }

func (s *story) signed(id string, body, secret []byte) {
	now := time.Now()
	header := http.Header{}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	header.Set("webhook-signature", webhook.Sign(id, now, body, secret))
	who := s.who
	s.who = "nobody"
	s.do(http.MethodPost, "/webhooks/onboarding", body, header)
	s.who = who
}

func (s *story) onboard(args []string) {
	slug := args[0]
	body := fmt.Sprintf(`{"type":"tenant.created","timestamp":%q,"data":{"externalId":"ext-%s","slug":%q,"locale":"zh-CN","plan":"standard",
		"company":{"name":"示例公司 %s","phone":"+862168880000","email":"office@%s.example.com","address":{"country":"CN","city":"上海"}},
		"admin":{"name":"陈静","email":"admin@%s.example.com","phone":"+8613800138000"}}}`,
		time.Now().UTC().Format(time.RFC3339), slug, slug, slug, slug, slug)
	s.signed("msg-"+slug, []byte(body), s.secret)
	s.wantStatus([]string{"202"})
	s.ts.Setenv("tenant", s.member("tenantId"))
	onboarding := s.member("id")
	s.until("the tenant is active", func() bool {
		s.do(http.MethodGet, "/v1/onboarding/"+onboarding, nil, nil)
		if s.member("status") == "failed" {
			s.ts.Fatalf("the onboarding failed: %s", s.body)
		}
		return s.member("status") == "active"
	})
	s.ts.Setenv("slug", slug)
	s.enter([]string{"admin", "admin@" + slug + ".example.com"})
	s.tokens["admin@"+slug] = s.tokens["admin"]
	s.as([]string{"admin"})
}

func (s *story) enter(args []string) {
	name, email := args[0], args[1]
	was := s.who
	s.who = "nobody"
	password := s.sent(email, "invitation", "temporaryPassword")
	s.do(http.MethodPost, "/v1/auth/sign-in", fmt.Appendf(nil, `{"tenant":%q,"email":%q,"password":%q}`, s.ts.Getenv("slug"), email, password), nil)
	s.wantStatus([]string{"200"})
	session, fresh := s.member("session"), "quiet-Harbour-42-violet-kite"
	s.do(http.MethodPost, "/v1/auth/challenge", fmt.Appendf(nil, `{"session":%q,"newPassword":%q}`, session, fresh), nil)
	s.wantStatus([]string{"200"})
	s.tokens[name] = s.member("accessToken")
	s.ts.Setenv(name+"_refresh", s.member("refreshToken"))
	s.ts.Setenv(name+"_password", fresh)
	s.who = name
	s.do(http.MethodGet, "/v1/me", nil, nil)
	s.wantStatus([]string{"200"})
	s.ts.Setenv(name+"_id", s.member("id"))
	s.who = was
}

func (s *story) lose(args []string) {
	s.ts.Check(s.at().lose(s.ts.Getenv("tenant") + "~" + s.ts.Getenv(args[0]+"_id")))
}

func (s *story) invoke(args []string) {
	s.do(http.MethodPost, "/_local/invoke/"+args[0], nil, nil)
	s.wantStatus([]string{"200"})
}

func (s *story) code(args []string) { s.ts.Setenv(args[0], s.sent(args[1], args[2], "code")) }

// sent waits for the newest message of the template to the address and gives one of its words.
func (s *story) sent(to, template, word string) string {
	found := ""
	s.until("a "+template+" to "+to, func() bool {
		s.do(http.MethodGet, "/_local/outbox", nil, nil)
		var box struct {
			Items []map[string]string `json:"items"`
		}
		s.ts.Check(json.Unmarshal(s.body, &box))
		for _, m := range box.Items {
			mine := template != "invitation" || strings.Contains(m["text"], s.ts.Getenv("slug")) // one address may be in two tenants
			if m["to"] == to && m["template"] == template && m[word] != "" && mine {
				found = m[word]
				return true
			}
		}
		return false
	})
	return found
}

// until waits for work that the process does in the background; it gives up after 20 seconds.
func (s *story) until(what string, done func() bool) {
	for range 400 {
		if done() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.ts.Fatalf("waited in vain: %s", what)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
