package edge

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// router matches paths byte for byte: no cleaning, no redirects, no case folding. A trailing slash, an empty or a dotted segment is another
// path, which is not found. A fixed segment beats a parameter.
type router struct{ root node }

type node struct {
	fixed   map[string]*node
	param   *node
	methods map[string]*entry
	allow   string
}

type entry struct {
	route Route
	names []string // of the path's parameters, in order
	shape *shape
}

func newRouter(routes []Route) (router, error) {
	var rt router
	var errs []error
	seen := map[string]bool{}
	for _, r := range routes {
		if err := check(r); err != nil {
			errs = append(errs, fmt.Errorf("edge: route %s (%s %s): %w", r.Operation, r.Method, r.Path, err))
			continue
		}
		if seen[r.Operation] {
			errs = append(errs, fmt.Errorf("edge: two routes are called %s", r.Operation))
		}
		seen[r.Operation] = true
		if err := rt.add(r); err != nil {
			errs = append(errs, err)
		}
	}
	return rt, errors.Join(errs...)
}

func check(r Route) error {
	body := r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch
	switch {
	case r.run == nil:
		return errors.New("it has no handler: make it with Handle")
	case r.Access.kind == undeclared:
		return errors.New("it declares no Access")
	case r.Access.kind == accessPublic && r.Access.reason == "":
		return errors.New("it is public and does not say why")
	case !isOperation(r.Operation):
		return errors.New("the operation is not of the form resource.verb")
	case !slices.Contains([]string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}, r.Method):
		return errors.New("the method is not one of GET, POST, PUT, PATCH, DELETE")
	case r.List && r.Method != http.MethodGet:
		return errors.New("a list is read with GET")
	case r.pages && r.Method != http.MethodPost:
		return errors.New("a list that its body asks for is read with POST")
	case (r.List || r.pages) && r.Access.kind == accessPublic:
		return errors.New("a list needs a user, for whom its cursor is sealed")
	case r.in != noneType && !r.Raw && !body:
		return errors.New("the method carries no body, and the handler wants one")
	case r.Raw && r.Access.kind != accessPublic:
		return errors.New("raw bodies are for public routes, which judge their own signature")
	case r.Foretells != "" && r.Preview == nil:
		return errors.New("it foretells a change and has no preview")
	case r.Preview != nil && r.Access.kind == accessPublic:
		return errors.New("a preview is for a user")
	case r.Summary == "":
		return errors.New("it has no summary")
	}
	for _, q := range r.Query {
		if q.Name == "limit" || q.Name == "cursor" || q.Name == "count" || q.Name == "validateOnly" || q.Name == "preview" {
			return fmt.Errorf("the query parameter %s belongs to edge", q.Name)
		}
	}
	return nil
}

func (rt *router) add(r Route) error {
	rest, ok := strings.CutPrefix(r.Path, "/")
	if !ok {
		return fmt.Errorf("edge: route %s: the path %q does not start with a slash", r.Operation, r.Path)
	}
	n := &rt.root
	e := &entry{route: r}
	for seg := range strings.SplitSeq(rest, "/") {
		switch {
		case isParam(seg):
			name := seg[1 : len(seg)-1]
			if slices.Contains(e.names, name) {
				return fmt.Errorf("edge: route %s: the path names %s twice", r.Operation, name)
			}
			e.names = append(e.names, name)
			if n.param == nil {
				n.param = &node{}
			}
			n = n.param
		case isSegment(seg):
			if n.fixed == nil {
				n.fixed = map[string]*node{}
			}
			if n.fixed[seg] == nil {
				n.fixed[seg] = &node{}
			}
			n = n.fixed[seg]
		default:
			return fmt.Errorf("edge: route %s: %q is no segment of a path", r.Operation, seg)
		}
	}
	if n.methods == nil {
		n.methods = map[string]*entry{}
	}
	if was := n.methods[r.Method]; was != nil {
		return fmt.Errorf("edge: routes %s and %s share %s %s", was.route.Operation, r.Operation, r.Method, r.Path)
	}
	if !r.Raw && r.in != noneType {
		e.shape = shapeOf(r.in)
	}
	n.methods[r.Method] = e
	allow := make([]string, 0, len(n.methods)+1)
	for m := range n.methods {
		allow = append(allow, m)
		if m == http.MethodGet {
			allow = append(allow, http.MethodHead)
		}
	}
	slices.Sort(allow)
	n.allow = strings.Join(allow, ", ")
	return nil
}

// find gives the entry and its parameters; without one, allow names the methods of the path, and is "" when there is no such path.
func (rt *router) find(method, escaped string) (e *entry, params map[string]string, allow string) {
	rest, ok := strings.CutPrefix(escaped, "/")
	if !ok || len(escaped) > 2048 {
		return nil, nil, ""
	}
	var buf [8]string
	n, values := rt.root.walk(rest, buf[:0])
	if n == nil {
		return nil, nil, ""
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	e = n.methods[method]
	if e == nil {
		return nil, nil, n.allow
	}
	if len(values) > 0 {
		params = make(map[string]string, len(values))
		for i, v := range values {
			params[e.names[i]] = v
		}
	}
	return e, params, ""
}

func (n *node) walk(rest string, values []string) (*node, []string) {
	seg, tail, more := strings.Cut(rest, "/")
	if seg == "" {
		return nil, nil
	}
	if next := n.fixed[seg]; next != nil {
		if found, v := next.step(tail, more, values); found != nil {
			return found, v
		}
	}
	if n.param == nil {
		return nil, nil
	}
	v, ok := paramValue(seg)
	if !ok {
		return nil, nil
	}
	return n.param.step(tail, more, append(values, v))
}

func (n *node) step(tail string, more bool, values []string) (*node, []string) {
	if more {
		return n.walk(tail, values)
	}
	if n.methods == nil {
		return nil, nil
	}
	return n, values
}

// paramValue decodes a segment once and refuses what could mean another path to whoever reads it next.
func paramValue(seg string) (string, bool) {
	v := seg
	if strings.Contains(seg, "%") {
		var err error
		if v, err = url.PathUnescape(seg); err != nil {
			return "", false
		}
	}
	if v == "." || v == ".." || len(v) > 255 || !utf8.ValidString(v) || strings.ContainsFunc(v, func(r rune) bool {
		return r < 0x20 || r == 0x7f || r == '/' || r == '\\' || r == '#' || r == '%'
	}) {
		return "", false
	}
	return v, true
}
