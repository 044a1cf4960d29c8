package main

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/steward-crm/steward/shared/edge"
)

const usage = `usage: local [--addr HOST:PORT] [--data DIR | --ephemeral]

  --addr HOST:PORT  loopback address to serve on; port 0 picks a free one (default 127.0.0.1:3000)
  --data DIR        folder that keeps everything (default .steward)
  --ephemeral       keep everything in a temporary folder that is removed at the end
`

// The files of the data folder.
const (
	storeFile    = "steward.db"
	identityFile = "identity.db"
	keyFile      = "keys.json"
	outboxFile   = "outbox.jsonl"
	secretFile   = "onboarding.whsec"
)

var errHelp = errors.New("help")

type config struct {
	addr      string
	data      string
	ephemeral bool
	limits    edge.Limits
}

func (c config) path(file string) string { return filepath.Join(c.data, file) }

// configError is a mistake that the person who starts the process can mend: one line that says what, where and how.
type configError struct{ line string }

func (e *configError) Error() string { return e.line }

func wrongf(format string, args ...any) error {
	return &configError{strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " ")}
}

// parse reads the command line strictly. It does not use package flag, whose answer to a mistake is a page, not a line.
func parse(args []string) (config, error) {
	// Everybody on this machine is one source: the limit is there to end a runaway loop, not to share the machine out.
	c := config{addr: "127.0.0.1:3000", data: ".steward", limits: edge.Limits{Source: edge.Rate{PerSecond: 500, Burst: 5000}}}
	known := map[string]*string{"--addr": &c.addr, "--data": &c.data}
	dataGiven := false
	for i := 0; i < len(args); i++ {
		name, value, joined := strings.Cut(args[i], "=")
		if strings.HasPrefix(name, "-") && !strings.HasPrefix(name, "--") {
			name = "-" + name
		}
		switch {
		case name == "--help" || name == "--h":
			return c, errHelp
		case name == "--ephemeral":
			if joined {
				return c, wrongf("%s takes no value; leave out what follows the =", name)
			}
			c.ephemeral = true
		case known[name] != nil:
			if !joined {
				if i++; i == len(args) {
					return c, wrongf("%s needs a value; see --help", name)
				}
				value = args[i]
			}
			if value == "" {
				return c, wrongf("%s needs a value; see --help", name)
			}
			*known[name], dataGiven = value, dataGiven || name == "--data"
		default:
			return c, wrongf("unknown argument %s%s; see --help", name, nearest(name))
		}
	}
	if c.ephemeral && dataGiven {
		return c, wrongf("--data and --ephemeral exclude each other; leave one out")
	}
	return c, checkAddr(c.addr)
}

// checkAddr demands a loopback address: the local identity provider and outbox must not be reachable from elsewhere.
func checkAddr(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return wrongf("--addr %s is not HOST:PORT; try 127.0.0.1:3000", strconv.Quote(addr))
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n > 65535 {
		return wrongf("--addr: the port must be a number from 0 to 65535; 0 picks a free one")
	}
	if host == "localhost" {
		return nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return wrongf("--addr: the local process serves on loopback only, because its identity provider and outbox are for development; use 127.0.0.1, [::1] or localhost")
	}
	return nil
}

func nearest(name string) string {
	for _, known := range []string{"--addr", "--data", "--ephemeral", "--help"} {
		short, long := strings.TrimLeft(name, "-"), strings.TrimLeft(known, "-")
		if short != "" && (strings.HasPrefix(long, short) || strings.HasPrefix(short, long) || swapped(short, long)) {
			return " (did you mean " + known + "?)"
		}
	}
	return ""
}

// swapped reports whether a and b differ in one place, or have the same letters.
func swapped(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	count, differ := map[byte]int{}, 0
	for i := range len(a) {
		count[a[i]]++
		count[b[i]]--
		if a[i] != b[i] {
			differ++
		}
	}
	for _, n := range count {
		if n != 0 {
			return differ == 1
		}
	}
	return true
}
