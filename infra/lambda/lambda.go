// Package lambda is what the mains of the Lambda functions are made of: it reads the environment strictly, opens the adapters that a main
// names, picks the one operation or handler that _HANDLER names, and serves it until Lambda ends the process.
//
// It links no vendor's client: each lies in a package below (withtable, withkeys, …), so that a binary carries only what its main names. It
// knows no business word, and nothing of how functions are deployed.
package lambda

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/schema"
)

// Handler answers one invocation: bytes in, bytes out. An error is the invocation's failure, which Lambda retries where it retries at all.
type Handler func(ctx context.Context, event []byte) ([]byte, error)

// Invoke is what the Lambda runtime calls.
func (h Handler) Invoke(ctx context.Context, event []byte) ([]byte, error) { return h(ctx, event) }

// Deployment is a platform while its parts are opened, with what the platform has no port for.
type Deployment struct {
	*platform.Platform
	Config *Config
	Signer edge.Signer // whose tokens the function takes; nil: it serves public routes only
	Queue  Queue       // of jobs that are to run
}

// Part is one adapter that a main names.
type Part struct {
	Vars []Var                                    // what it reads of the environment
	Open func(*Deployment) error                  // sets its port; parts are opened in the order that they are named
	Warm func(context.Context, *Deployment) error // one cheap request during the start, which pays for the connection; nil: none; schema.ErrNewer ends the start
}

// Group is handlers of one binary that need the same parts.
type Group struct {
	parts []Part
	has   func(name string) bool
	names func() []string
	make  func(d *Deployment, name string) (Handler, error)
}

// Events are handlers by name, for what is no request of a client: streams, queues, schedules. They come before HTTP among a main's groups.
func Events(handlers map[string]func(*Deployment) (Handler, error), parts ...Part) Group {
	return Group{
		parts: parts,
		has:   func(name string) bool { return handlers[name] != nil },
		names: func() []string { return slices.Collect(maps.Keys(handlers)) },
		make:  func(d *Deployment, name string) (Handler, error) { return handlers[name](d) },
	}
}

// Main serves the handler that _HANDLER names, and does not return. A mistake in the configuration ends the process at once with one line on
// standard error that says all that is wrong.
func Main(groups ...Group) {
	log := slog.New(withRequest{slog.NewJSONHandler(os.Stdout, nil)})
	h, err := Open(context.Background(), os.Environ(), time.Now, log, groups...)
	if err != nil {
		fmt.Fprintln(os.Stderr, "steward: "+strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1)
	}
	awslambda.Start(h)
}

// warmFor is how long the start waits for its one request. What does not answer within it is met, and reported, by the first invocation.
const warmFor = 2 * time.Second

// Open gives the handler that the environment names, ready to serve. From the second invocation on the process collects garbage sooner than
// Go would.
func Open(ctx context.Context, environ []string, now func() time.Time, log *slog.Logger, groups ...Group) (Handler, error) {
	name := lookup(environ, "_HANDLER")
	i := slices.IndexFunc(groups, func(g Group) bool { return name != "" && g.has(name) })
	if i < 0 {
		_, also := readConfig(environ, nil)
		return nil, errors.Join(unknown(name, groups), also)
	}
	group := groups[i]
	var vars []Var
	for _, p := range group.parts {
		vars = append(vars, p.Vars...)
	}
	c, err := readConfig(environ, vars)
	if err != nil {
		return nil, err
	}
	d := &Deployment{Config: c, Platform: &platform.Platform{
		Now: now, IDs: id.NewSource(now, rand.Reader), Random: rand.Reader, Log: log, BaseURL: c.BaseURL,
	}}
	for _, p := range group.parts {
		if err := p.Open(d); err != nil {
			return nil, err
		}
	}
	h, err := group.make(d, name)
	if errors.Is(err, errUnknown) {
		err = unknown(name, groups)
	}
	if err != nil {
		return nil, err
	}
	for _, p := range group.parts {
		if p.Warm == nil {
			continue
		}
		within, cancel := context.WithTimeout(ctx, warmFor)
		err := p.Warm(within, d)
		cancel()
		if errors.Is(err, schema.ErrNewer) {
			return nil, err
		}
		if err != nil {
			// No reason to end: a process that started while the store was away serves when it is back.
			log.WarnContext(ctx, "start", "operation", name, "error", err.Error())
		}
	}
	return sparing(h), nil
}

// errUnknown says that a group does not have the handler after all.
var errUnknown = errors.New("lambda: unknown handler")

func unknown(name string, groups []Group) error {
	var known []string
	for _, g := range groups {
		known = append(known, g.names()...)
	}
	slices.Sort(known)
	if name == "" {
		return fmt.Errorf("_HANDLER is missing; this binary serves %s", strings.Join(known, ", "))
	}
	return fmt.Errorf("_HANDLER names %q; this binary serves %s", name, strings.Join(known, ", "))
}

func lookup(environ []string, name string) string {
	for _, e := range slices.Backward(environ) {
		if k, v, ok := strings.Cut(e, "="); ok && k == name {
			return v
		}
	}
	return ""
}
