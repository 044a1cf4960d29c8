// Command run serves the API by the Lambda binaries themselves: a process for each operation, started at its first use, behind a small Lambda
// Runtime API and a gateway on a loopback port. Routes, functions, their environments, roles, time limits and what else invokes them are those
// of template.yaml and the stacks that it nests. Behind the functions stand moto, which plays DynamoDB, KMS, Cognito, SES, SNS, SQS and Secrets
// Manager, and cognito-local for what moto is wrong about in Cognito; a front before them judges every call by the role of the function that makes
// it, and mends what they would be wrong about for this use (see front.go). A call that a role does not allow is refused, said on standard error, and makes the exit status 1.
//
//	go run ./infra/lambda/build --arch host --no-zip --out bin/lambda
//	go run ./infra/lambda/run [--addr 127.0.0.1:3000] [--binaries bin/lambda] [--data .steward] [--peers .peers]
//
// POST /_local/invoke/HANDLER runs a function that no client calls now, such as schedule.reconcile, and answers as it does.
//
// The first line on standard output, once it serves, is "listening on http://HOST:PORT". Everything is lost when it ends.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/steward-crm/steward/infra/stacks/deployed"
)

type options struct {
	root                        string
	addr, binaries, data, peers string
	containers, environ         string
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "the repository, for its template.yaml")
	flag.StringVar(&o.addr, "addr", "127.0.0.1:3000", "loopback address to serve on; port 0 picks a free one")
	flag.StringVar(&o.binaries, "binaries", "bin/lambda", "folder that infra/lambda/build has built into for this machine")
	flag.StringVar(&o.data, "data", ".steward", "folder for the webhook secret and the functions' logs")
	flag.StringVar(&o.peers, "peers", ".peers", "folder that make peers has installed into; STEWARD_PEERS wins")
	flag.StringVar(&o.containers, "containers", "", "address of the container engine's bridge: functions in containers find AWS there as well, for sam local")
	flag.StringVar(&o.environ, "environ", "", "file to write the functions' environment to once everything stands, as sam local takes it")
	flag.Parse()
	if p := os.Getenv("STEWARD_PEERS"); p != "" {
		o.peers = p
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout, slog.New(slog.NewJSONHandler(os.Stderr, nil))); err != nil {
		fmt.Fprintln(os.Stderr, "run-lambda: "+err.Error())
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, stdout io.Writer, log *slog.Logger) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := os.MkdirAll(o.data, 0o700); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(o.addr)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("--addr %s is no loopback address", o.addr)
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	by, stopStandIns, err := startStandIns(ctx, o)
	if err != nil {
		return err
	}
	defer stopStandIns()
	twins, err := newTwins(ctx, by.cognitoLocal)
	if err != nil {
		return err
	}
	front := newFront(by.moto, twins, log)
	aws, stopFront, err := serve(front)
	if err != nil {
		return err
	}
	defer stopFront()
	near := aws // as functions in containers see it
	if o.containers != "" {
		var stopNear func()
		if near, stopNear, err = serveAt(net.JoinHostPort(o.containers, "0"), front); err != nil {
			return err
		}
		defer stopNear()
	}
	there, err := provision(ctx, aws, filepath.Join(o.data, "onboarding.whsec"))
	if err != nil {
		return fmt.Errorf("making what the functions need: %w", err)
	}
	there.api = listener.Addr().String()
	stacks, err := deployed.Read(o.root, there.values())
	if err != nil {
		return err
	}
	front.judge(stacks.Functions, there)
	logs, err := os.Create(filepath.Join(o.data, "functions.log"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logs.Close()) }()
	pool := newPool(o.binaries, stacks.Functions, there.environ, logs)
	api, stopAPI, err := serve(pool)
	if err != nil {
		return err
	}
	defer stopAPI()
	pool.api = api
	defer pool.stop()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /_local/outbox", front.outbox)
	mux.HandleFunc("POST /_local/invoke/{handler}", invoke(pool, stacks.Sources))
	mux.Handle("/", newGateway(stacks, "http://"+aws+"/"+there.pool+"/.well-known/jwks.json", pool))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	var workers sync.WaitGroup
	for _, s := range stacks.Sources {
		var work func(context.Context, *slog.Logger)
		every, scheduled := rates[s.Schedule]
		switch {
		case scheduled:
			work = schedule(every, pool, s.Handler)
		case s.ARN == there.stream:
			work = (&stream{pool: pool, handler: s.Handler, moto: by.moto, arn: s.ARN, alone: &front.table}).follow
		case there.queues[s.ARN] != "":
			work = (&queue{pool: pool, handler: s.Handler, url: there.queues[s.ARN], sqs: there.sqs}).follow
		default:
			return fmt.Errorf("nothing here invokes %s by %s%s", s.Handler, s.ARN, s.Schedule)
		}
		workers.Go(func() { work(ctx, log) })
	}
	failed := make(chan error, 1)
	workers.Go(func() { failed <- server.Serve(listener) })
	fmt.Fprintf(stdout, "listening on http://%s\n  webhook secret     %s\n  functions' logs    %s\n  mails and messages http://%s/_local/outbox\n",
		listener.Addr(), there.secretFile, logs.Name(), listener.Addr())
	if o.environ != "" {
		if err := writeEnviron(o.environ, there, stacks.Functions, near); err != nil {
			return err
		}
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	cancel()
	pool.stop()
	err = errors.Join(err, server.Close())
	workers.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	if denied := front.denials(); len(denied) > 0 {
		err = errors.Join(err, fmt.Errorf("%d calls were denied that functions made, the first: %s", len(denied), denied[0]))
	}
	return err
}

// serve serves the handler on a free loopback port; it gives host and port, and what ends it.
func serve(h http.Handler) (string, func(), error) { return serveAt("127.0.0.1:0", h) }

func serveAt(addr string, h http.Handler) (string, func(), error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }() // ends with Close
	return l.Addr().String(), func() { _ = s.Close(); <-done }, nil
}

// invoke invokes a function that no client calls, now, with the body as its event: what a schedule would do some time.
func invoke(p *pool, sources []deployed.Source) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		handler := r.PathValue("handler")
		if !slices.ContainsFunc(sources, func(s deployed.Source) bool { return s.Handler == handler }) {
			http.Error(w, "no schedule, stream or queue invokes "+handler, http.StatusNotFound)
			return
		}
		event, err := io.ReadAll(r.Body)
		if err == nil && len(event) == 0 {
			event = []byte("{}")
		}
		var answer []byte
		if err == nil {
			answer, err = p.invoke(r.Context(), handler, event)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		_, _ = w.Write(answer) // the client went away
	}
}

// rates are the expressions of schedules that the stacks have.
var rates = map[string]time.Duration{"rate(1 minute)": time.Minute, "rate(1 hour)": time.Hour}

// schedule invokes a function at the start and then at the interval.
func schedule(d time.Duration, p *pool, name string) func(context.Context, *slog.Logger) {
	return func(ctx context.Context, log *slog.Logger) {
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			if _, err := p.invoke(ctx, name, []byte("{}")); err != nil && ctx.Err() == nil {
				log.Error(name, "error", err.Error())
			}
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
		}
	}
}
