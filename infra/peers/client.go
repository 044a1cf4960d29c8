package peers

import (
	"bytes"
	"io"
	"net/http"
)

// Client is an HTTP client for tests on moto. About one in five thousand of its answers breaks off in the body (5.2.1, on a busy machine, with
// and without kept connections); such a request is sent once more. So a request may reach the peer twice: use it where the check would not
// mind, and not where it is about sending twice.
func Client() *http.Client { return &http.Client{Transport: again{}} }

type again struct{}

func (again) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		_ = r.Body.Close()
	}
	res, err := whole(r, sent)
	if err != nil && r.Context().Err() == nil {
		res, err = whole(r, sent)
	}
	return res, err
}

// whole sends the request and reads the answer to its end.
func whole(r *http.Request, sent []byte) (*http.Response, error) {
	r = r.Clone(r.Context())
	if sent != nil {
		r.Body = io.NopCloser(bytes.NewReader(sent))
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(got))
	return res, nil
}
