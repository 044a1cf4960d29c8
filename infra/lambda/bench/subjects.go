package main

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/steward-crm/steward/infra/stacks/deployed"
	"github.com/steward-crm/steward/infra/stacks/iam"
)

// subject is a binary that is measured, as one function of those that it serves.
type subject struct {
	name, binary, path string
	environ            []string
	event              []byte
	asks               bool // its invocation asks AWS: there is none without I/O to compare
	bare               bool // it is none of Steward's
}

// place is where the functions believe to be. None of it is asked for anything but an answer of this process.
var place = iam.Place{Partition: "aws", Region: "eu-central-1", Account: "123456789012"}

// subjects are the bare functions, and one function of each binary: one that answers an anonymous client without asking anybody, with 401 or for
// all to see; else one that has nothing to do; else one that asks AWS.
func subjects() ([]subject, error) {
	d, err := deployed.Read(".", deployed.StandIns(place))
	if err != nil {
		return nil, err
	}
	routes, scheduled := map[string]deployed.Route{}, map[string]bool{}
	for _, r := range d.Routes {
		routes[r.Handler] = r
	}
	for _, s := range d.Sources {
		scheduled[s.Handler] = s.Schedule != ""
	}
	quiet := func(handler string) int {
		switch r, ok := routes[handler]; {
		case scheduled[handler]:
			return 3
		case ok && r.Method != "GET":
			return 2
		case ok && strings.Contains(r.Path, "{"):
			return 1
		}
		return 0
	}
	chosen := map[string]deployed.Function{}
	for _, handler := range slices.SortedFunc(maps.Keys(d.Functions), func(a, b string) int { return cmp.Or(cmp.Compare(quiet(a), quiet(b)), cmp.Compare(a, b)) }) {
		if f := d.Functions[handler]; chosen[f.Binary].Handler == "" {
			chosen[f.Binary] = f
		}
	}
	nothing := []byte(`{"Records":[]}`)
	var all []subject
	for _, b := range bare {
		s := subject{name: b.name, binary: b.binary, environ: []string{"STEWARD_TABLE=data"}, event: nothing, bare: true}
		if b.deployed {
			s.environ = append(s.environ, "GOMAXPROCS="+d.Functions["health.get"].Environment["GOMAXPROCS"])
		}
		all = append(all, s)
	}
	for _, name := range slices.Sorted(maps.Keys(chosen)) {
		f := chosen[name]
		s := subject{name: name, binary: name, environ: []string{"_HANDLER=" + f.Handler}, event: nothing, asks: scheduled[f.Handler]}
		for _, v := range slices.Sorted(maps.Keys(f.Environment)) {
			s.environ = append(s.environ, v+"="+f.Environment[v])
		}
		if r, ok := routes[f.Handler]; ok {
			if s.event, err = request(r.Method, r.Path); err != nil {
				return nil, err
			}
		}
		all = append(all, s)
	}
	return all, nil
}

func request(method, path string) ([]byte, error) {
	return json.Marshal(map[string]any{
		"version": "2.0", "rawPath": path, "rawQueryString": "", "isBase64Encoded": false,
		"headers":        map[string]string{"accept": "application/json", "host": "api.example.com", "user-agent": "bench", "accept-language": "en"},
		"requestContext": map[string]any{"requestId": "r", "stage": "$default", "http": map[string]string{"method": method, "sourceIp": "192.0.2.1"}},
	})
}
