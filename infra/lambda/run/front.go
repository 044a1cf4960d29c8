package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/peers"
	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/infra/stacks/iam"
)

// front stands between the functions and moto. It judges a function's requests by its role, as IAM does; hands requests on, one at a time to
// DynamoDB, because moto loses updates that cross; keeps what is sent by mail and text message; and asks cognito-local what moto is wrong about
// in Cognito (see cognito.go); the keys of a pool are asked for as moto tells services apart.
type front struct {
	moto   string // its URL
	client *http.Client
	log    *slog.Logger

	table  sync.Mutex // held by the request that DynamoDB works on, and while its stream is read
	tokens tokens     // under table

	directory *directory

	mu     sync.Mutex
	there  *deployment                  // nil until it stands
	roles  map[string]deployed.Function // by access key
	denied []string
	sent   []message // oldest first
}

func newFront(moto string, t *twins, log *slog.Logger) *front {
	// moto's server now and then closes a connection that is being read.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return &front{moto: moto, log: log, client: client, tokens: tokens{}, directory: newDirectory(t)}
}

// judge has the front hold the functions, by handler, to their roles from now on, over the deployment.
func (f *front) judge(roles map[string]deployed.Function, there *deployment) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.roles, f.there = roles, there
}

// allowed judges a request. Whoever is no function is not judged, nor is what nobody signed.
func (f *front) allowed(r *http.Request, body []byte) error {
	who, _ := iam.Signed(r.Header)
	f.mu.Lock()
	defer f.mu.Unlock()
	role, ok := f.roles[who]
	if !ok {
		return nil
	}
	calls, err := iam.Calls(place, r, body)
	for _, c := range calls {
		if !role.Allows(c) {
			err = errors.Join(err, fmt.Errorf("%s is not authorized to perform: %s", who, c))
		}
	}
	if err != nil {
		f.log.Error("denied", "function", who, "error", err.Error())
		f.denied = append(f.denied, err.Error())
	}
	return err
}

// all that was denied.
func (f *front) denials() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.denied)
}

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, "cut short", http.StatusBadRequest)
		return
	}
	if err := f.allowed(r, body); err != nil {
		refuse(w, "AccessDeniedException", err.Error())
		return
	}
	switch target := r.Header.Get("X-Amz-Target"); {
	case strings.HasPrefix(target, "DynamoDBStreams_"):
		f.table.Lock()
		defer f.table.Unlock()
		if strings.HasSuffix(target, ".GetRecords") {
			f.records(w, r, body)
			return
		}
	case strings.HasPrefix(target, "DynamoDB_"):
		f.table.Lock()
		defer f.table.Unlock()
		if strings.HasSuffix(target, ".TransactWriteItems") {
			f.transact(w, r, body)
			return
		}
	case strings.HasPrefix(target, peers.CognitoTarget):
		f.cognito(w, r, body)
		return
	case strings.HasSuffix(r.URL.Path, "/.well-known/jwks.json"):
		r.Header.Set("Authorization", peers.ForCognito)
	case r.Method == http.MethodPost && r.URL.Path == "/v2/email/outbound-emails":
		err = f.keepMail(r.Context(), body)
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded"):
		err = f.keepText(body)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.pass(w, r, body)
}

// refuse answers as AWS refuses.
func refuse(w http.ResponseWriter, code, why string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Errortype", code)
	w.WriteHeader(http.StatusBadRequest)
	_ = json.MarshalWrite(w, map[string]string{"__type": code, "message": why}) // the function went away
}

// pass hands the request on and gives the answer; nil: there is none.
func (f *front) pass(w http.ResponseWriter, r *http.Request, body []byte) *whole {
	a, err := f.ask(r, body)
	if err != nil {
		f.unanswered(w, r, err)
		return nil
	}
	a.send(w)
	return a
}

// unanswered tells that a stand-in gave no answer.
func (f *front) unanswered(w http.ResponseWriter, r *http.Request, err error) {
	f.log.Warn("no answer", "target", r.Header.Get("X-Amz-Target"), "error", err.Error())
	http.Error(w, "a stand-in does not answer", http.StatusBadGateway)
}

// whole is an answer that came to its end.
type whole struct {
	status int
	header http.Header
	body   []byte
}

func (a *whole) send(w http.ResponseWriter) {
	for name, values := range a.header {
		if name != "Content-Length" && name != "Connection" {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the function went away
}

// ask sends the request to moto. About one answer in some thousand breaks off in its body, which would look to the function like one that was
// lost; moto has done then what it was asked for. What it answers to a transaction that it did is known; anything else is asked again.
func (f *front) ask(r *http.Request, body []byte) (*whole, error) {
	var err error
	for range 3 {
		var out *http.Request
		if out, err = http.NewRequestWithContext(r.Context(), r.Method, f.moto+r.URL.RequestURI(), bytes.NewReader(body)); err != nil {
			return nil, err
		}
		out.Header = r.Header.Clone()
		var a *http.Response
		if a, err = f.client.Do(out); err != nil {
			continue
		}
		w := &whole{status: a.StatusCode, header: a.Header}
		w.body, err = io.ReadAll(a.Body)
		_ = a.Body.Close()
		if err != nil && a.StatusCode == http.StatusOK && strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".TransactWriteItems") {
			w.header.Del("X-Amz-Crc32")
			w.body, err = []byte("{}"), nil
		}
		if err == nil {
			return w, nil
		}
		f.log.Warn("moto's answer broke off", "target", r.Header.Get("X-Amz-Target"), "error", err.Error())
	}
	return nil, err
}
