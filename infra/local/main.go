// Command local serves the whole of Steward in one process, with embedded adapters: the API, the jobs and the audit log, all data in one
// folder. It is for development and trial. It serves on loopback only, because its identity provider and its outbox stand in for services
// that would ask for more.
//
//	go run ./infra/local [--addr 127.0.0.1:3000] [--data .steward | --ephemeral]
//
// The first line on standard output, once it serves, is "listening on http://HOST:PORT"; the log goes to standard error, one JSON document a
// line. A mistake in the configuration is one line on standard error and exit status 2, before anything is served.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run is main with its edges as parameters. It answers the exit status: 0 after a signal, 2 for a mistake in the configuration, 1 for a
// failure while serving.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	cfg, err := parse(args)
	if errors.Is(err, errHelp) {
		fmt.Fprint(stdout, usage)
		return 0
	}
	if err == nil {
		err = serve(ctx, cfg, stdout, slog.New(slog.NewJSONHandler(stderr, nil)))
	}
	var wrong *configError
	switch {
	case errors.As(err, &wrong):
		fmt.Fprintln(stderr, "steward: "+wrong.Error())
		return 2
	case err != nil:
		fmt.Fprintln(stderr, "steward: "+err.Error())
		return 1
	}
	return 0
}

func serve(ctx context.Context, cfg config, stdout io.Writer, log *slog.Logger) (err error) {
	if cfg.ephemeral {
		if cfg.data, err = os.MkdirTemp("", "steward-"); err != nil {
			return wrongf("--ephemeral: no temporary folder can be made: %v; name a folder with --data", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(cfg.data)) }()
	}
	p, err := start(cfg, log)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "listening on %s\n", p.url)
	fmt.Fprintf(stdout, "  documentation      %s/docs\n", p.url)
	fmt.Fprintf(stdout, "  data               %s\n", cfg.data)
	fmt.Fprintf(stdout, "  webhook secret     %s\n", cfg.path(secretFile))
	fmt.Fprintf(stdout, "  mails and messages %s/_local/outbox\n", p.url)
	select {
	case <-ctx.Done():
		return p.stop()
	case err := <-p.failed:
		return errors.Join(err, p.stop())
	}
}
