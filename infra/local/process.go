package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/steward-crm/steward/functions"
	"github.com/steward-crm/steward/functions/users"
	"github.com/steward-crm/steward/shared/access"
	"github.com/steward-crm/steward/shared/account"
	"github.com/steward-crm/steward/shared/audit"
	"github.com/steward-crm/steward/shared/crypt"
	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/id"
	identitylocal "github.com/steward-crm/steward/shared/identity/local"
	keyslocal "github.com/steward-crm/steward/shared/keys/local"
	notifylocal "github.com/steward-crm/steward/shared/notify/local"
	"github.com/steward-crm/steward/shared/platform"
	"github.com/steward-crm/steward/shared/schema"
	tablelocal "github.com/steward-crm/steward/shared/table/local"
)

// process is the running product: adapters, API, job worker, audit log and counters.
type process struct {
	url    string
	store  *tablelocal.Store
	failed chan error // a part that ended on its own

	server  *http.Server
	cancel  context.CancelFunc
	workers sync.WaitGroup
	closers []func() error // in the order of opening
}

// start opens the data folder, builds the product over it and serves. Whatever it opened is closed again when a later part fails.
func start(cfg config, log *slog.Logger) (_ *process, err error) {
	p := &process{failed: make(chan error, 4)}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	// The port first: it is the likeliest mistake, and nothing is written before it is known to be free.
	listener, err := listen(cfg.addr)
	if err != nil {
		return nil, err
	}
	p.closers = append(p.closers, func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	p.url = "http://" + listener.Addr().String()

	deployment, box, err := p.open(cfg, log)
	if err != nil {
		return nil, err
	}
	routes := functions.All(deployment)
	api, err := edge.New(edge.Config{
		Routes: routes,
		Table:  deployment.Table,
		Crypt:  deployment.Crypt,
		IDs:    deployment.IDs,
		Now:    deployment.Now,
		Log:    log,

		Authenticator: edge.NewVerifier(deployment.Identity, deployment.Now),
		Subjects:      access.New(deployment.Table, deployment.Now),
		Limits:        cfg.limits,
	})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/_local/outbox", outbox(box))
	mux.Handle("/", api)
	p.server = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	p.work(deployment, log)
	p.workers.Go(func() {
		if err := p.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.failed <- err
		}
	})
	return p, nil
}

// open opens the adapters of the data folder.
func (p *process) open(cfg config, log *slog.Logger) (*platform.Platform, *notifylocal.Outbox, error) {
	now := time.Now
	if err := os.MkdirAll(cfg.data, 0o700); err != nil {
		return nil, nil, wrongf("--data %s: %v; name a folder that can be written", cfg.data, reason(err))
	}
	probe, err := os.CreateTemp(cfg.data, ".probe-*")
	if err != nil {
		return nil, nil, wrongf("--data %s cannot be written: %v; name a folder that can be", cfg.data, reason(err))
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, nil, err
	}
	if missing(cfg.path(keyFile)) && !missing(cfg.path(storeFile)) {
		return nil, nil, wrongf("%s is missing beside a store that was sealed with it; put it back, or name another folder with --data", cfg.path(keyFile))
	}
	// The store's lock comes before everything else in the folder: a second process must touch nothing.
	store, err := tablelocal.Open(cfg.path(storeFile), tablelocal.Options{Now: now})
	if err != nil {
		return nil, nil, wrongf("--data %s: %v", cfg.data, err)
	}
	p.store = store
	p.closers = append(p.closers, store.Close)
	if err := schema.Mark(context.Background(), store); err != nil {
		return nil, nil, wrongf("--data %s: %v", cfg.data, err)
	}
	master, err := keyslocal.Open(cfg.path(keyFile), now, rand.Reader)
	if err != nil {
		return nil, nil, wrongf("%v", err)
	}
	provider, err := identitylocal.Open(cfg.path(identityFile), identitylocal.Options{
		Now: now, Random: rand.Reader, Key: master.Local("identity"), Issuer: "https://identity.steward.local", ClientID: "steward-local",
	})
	if err != nil {
		return nil, nil, wrongf("%v", err)
	}
	p.closers = append(p.closers, provider.Close)
	box, err := notifylocal.Open(cfg.path(outboxFile))
	if err != nil {
		return nil, nil, wrongf("%v", err)
	}
	p.closers = append(p.closers, box.Close)
	if err := ensureSecret(cfg.path(secretFile), rand.Reader); err != nil {
		return nil, nil, err
	}
	return &platform.Platform{
		Table:    store,
		Feed:     store,
		Identity: provider,
		Keys:     master,
		Notify:   box,
		Crypt:    crypt.New(master, store, now, rand.Reader),
		Now:      now,
		IDs:      id.NewSource(now, rand.Reader),
		Random:   rand.Reader,
		Log:      log,
		BaseURL:  p.url,
		Webhook: func() [][]byte {
			secrets, err := readSecrets(cfg.path(secretFile))
			if err != nil {
				log.Error("webhook secrets", "error", err) // no secret: every webhook is refused until the file is mended
			}
			return secrets
		},
	}, box, nil
}

// work runs what no request waits for: jobs, the audit log and the counters.
func (p *process) work(d *platform.Platform, log *slog.Logger) {
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	worker := functions.Worker(d)
	trail := audit.NewLog(d.Table, d.Feed, d.Keys)
	counters := account.NewCounters(d.Table, d.Feed)
	p.workers.Go(func() { _ = worker.Run(ctx) }) // ends with ctx, and never by itself
	p.workers.Go(func() { hourly(ctx, log, "reconcile users", users.Desk(d).Reconcile) })
	p.workers.Go(func() {
		hourly(ctx, log, "reconcile counters", func(ctx context.Context) error { return counters.Reconcile(ctx, d.Now) })
	})
	p.workers.Go(func() {
		if err := counters.Follow(ctx, d.Now); err != nil && ctx.Err() == nil {
			log.Error("counters", "error", err)
			p.failed <- err
		}
	})
	p.workers.Go(func() {
		if err := trail.Follow(ctx, d.Now); err != nil && ctx.Err() == nil {
			log.Error("audit log", "error", err)
			p.failed <- err
		}
	})
}

// hourly does what brings things in line at the start, after a crash say, and every hour.
func hourly(ctx context.Context, log *slog.Logger, what string, do func(context.Context) error) {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			log.Error(what, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// stop lets requests in flight finish (10 seconds), then ends the workers and closes the adapters.
func (p *process) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	err := p.server.Shutdown(ctx)
	p.cancel()
	p.workers.Wait()
	return errors.Join(err, p.close())
}

func (p *process) close() error {
	var all error
	for i := len(p.closers) - 1; i >= 0; i-- {
		all = errors.Join(all, p.closers[i]())
	}
	p.closers = nil
	return all
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return errors.Is(err, fs.ErrNotExist)
}

func listen(addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, wrongf("--addr %s is in use by another process; stop it, or choose another port (0 picks a free one)", addr)
	case errors.Is(err, syscall.EACCES):
		return nil, wrongf("--addr %s: this user may not serve on that port; choose one above 1023", addr)
	case err != nil:
		return nil, wrongf("--addr %s: %v", addr, err)
	}
	return l, nil
}

// reason is the last part of an error: what the system said, without the path that the line names already.
func reason(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
