package edge

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/steward-crm/steward/shared/fault"
)

// Fixed is an answer that is known before anybody asks: a document, a page or a part of one. It lies packed by gzip. Who takes gzip gets it as it
// lies; for others it is unpacked once. Its ETag is a weak one, of the content, and a client that names it is answered 304.
type Fixed struct {
	typ, tag string
	packed   []byte
	plain    func() ([]byte, error)
}

// NewFixed makes one of what gzip has packed in one piece, which nobody may change afterwards. The ETag is the checksum and the length that gzip
// writes at the end.
func NewFixed(typ string, packed []byte) *Fixed {
	f := &Fixed{typ: typ, packed: packed, tag: `W/"` + hex.EncodeToString(packed[max(len(packed)-8, 0):]) + `"`}
	f.plain = sync.OnceValues(f.unpack)
	return f
}

func (f *Fixed) unpack() ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(f.packed))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, z); err != nil {
		return nil, err
	}
	return bytes.Clone(out.Bytes()), nil // a buffer grows to twice what it holds
}

// FixedWriter is a ResponseWriter that is told when what it is given stays as it is for ever, so that it can make what it sends of it once.
type FixedWriter interface {
	http.ResponseWriter
	WriteFixed(body []byte) (int, error)
}

func (x *exchange) writeFixed(f *Fixed, status int) written {
	h, same, packed := x.w.Header(), named(x.r.Header["If-None-Match"], f.tag), takesGzip(x.r.Header["Accept-Encoding"])
	body := f.packed
	if !same && !packed {
		var err error
		if body, err = f.plain(); err != nil {
			return x.writeProblem(fault.New(fault.Internal, "internal").Because(err))
		}
	}
	h["Etag"], h["Vary"] = []string{f.tag}, []string{"Accept-Encoding"}
	if same {
		x.w.WriteHeader(http.StatusNotModified)
		return written{status: http.StatusNotModified}
	}
	if packed {
		h["Content-Encoding"] = []string{"gzip"}
	}
	h["Content-Type"], h["Content-Length"] = []string{f.typ}, []string{strconv.Itoa(len(body))}
	x.w.WriteHeader(status)
	if x.r.Method == http.MethodHead {
		return written{status: status}
	}
	send := x.w.Write
	if w, ok := x.w.(FixedWriter); ok {
		send = w.WriteFixed
	}
	n, err := send(body)
	return written{status: status, bytes: n, err: err}
}

// named reports whether the headers name the tag, or any: RFC 9110, section 13.1.2, by its weak comparison.
func named(headers []string, tag string) bool {
	for _, line := range headers {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
				return true
			}
		}
	}
	return false
}

// takesGzip reads Accept-Encoding (RFC 9110, section 12.5.3). Who sends none gets plain bytes: not everybody who is silent unpacks.
func takesGzip(headers []string) bool {
	any, found := false, false
	for _, line := range headers {
		for one := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(one, ";")
			takes := !never(weight)
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip":
				found = true
				any = takes
			case "*":
				if !found {
					any = takes
				}
			}
		}
	}
	return any
}

// never reports a weight of nothing: q=0, q=0.0 and so on.
func never(weight string) bool {
	name, value, ok := strings.Cut(weight, "=")
	if !ok || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q == 0
}
