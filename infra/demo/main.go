// Command demo does Steward's main job against a running server, over HTTP only, on a sample company of 3 departments, 4 posts, 12 users and
// 200 customers, in Chinese and English. It tells each step and its outcome, and ends with exit status 1 at the first thing that differs from
// what it expects. It can be run again and again: each run is a tenant of its own.
//
//	go run ./infra/demo --url http://127.0.0.1:3000 --secret-file .steward/onboarding.whsec
package main

import (
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/steward-crm/steward/shared/webhook"
)

func main() {
	url := flag.String("url", "http://127.0.0.1:3000", "address of the server")
	secret := flag.String("secret-file", ".steward/onboarding.whsec", "file with the webhook secret")
	outbox := flag.String("outbox", "", "address of the server that shows what was sent; empty: the same")
	first := flag.Int("steps", len(steps), "how many of the steps to do")
	flag.Parse()
	os.Exit(run(*url, cmp.Or(*outbox, *url), *secret, steps[:min(max(*first, 0), len(steps))]))
}

func run(url, outbox, secretFile string, steps []step) (status int) {
	key, err := readSecret(secretFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo: "+err.Error())
		return 1
	}
	began := time.Now()
	d := &demo{client: &client{url: strings.TrimRight(url, "/"), outbox: strings.TrimRight(outbox, "/"), secret: key, http: &http.Client{Timeout: 30 * time.Second}}}
	defer func() {
		if f, ok := recover().(failure); ok {
			fmt.Printf("\n  ✗ %s\n", f.text)
			fmt.Printf("\nThe demo failed at step %d.\n", d.number)
			status = 1
		}
	}()
	for _, s := range steps {
		d.number++
		fmt.Printf("%2d. %s\n", d.number, s.title)
		s.do(d)
	}
	fmt.Printf("\nAll %d steps went as expected, in %.1f s. Sign in as %s with tenant %s; the password is %s\n",
		len(steps), time.Since(began).Seconds(), d.admin.email, d.slug, d.admin.password)
	return 0
}

func readSecret(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w; is the server up (make run), and is --secret-file its file?", err)
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(b)), "\n")
	key, err := webhook.ParseSecret(strings.TrimSpace(first))
	if err != nil {
		return nil, fmt.Errorf("%s: not a whsec_ secret", path)
	}
	return key, nil
}

// demo is what the steps hand on to each other.
type demo struct {
	*client
	number int

	slug, tenant string
	admin        *person
	roles        map[string]string // template → id
	departments  map[string]string // name → id
	posts        map[string]string // name → id
	people       []*person
	accounts     map[string][]string // owner's id → ids, in the order of creation
}

// person is a user of the sample company.
type person struct {
	name, email, phone string
	department, post   string
	manager            *person
	role               string // template of a role besides the post's

	id, token, refresh, password string
}

func (d *demo) say(format string, args ...any) { fmt.Printf("    ✓ "+format+"\n", args...) }

func (d *demo) as(p *person, method, path string, body any) answer {
	return d.do(request{method: method, path: path, token: p.token, body: body})
}
