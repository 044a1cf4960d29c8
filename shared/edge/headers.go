package edge

// The values of headers that every answer has; shared, because nobody changes them.
var (
	nosniff    = []string{"nosniff"}
	noStore    = []string{"no-store"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	noReferrer = []string{"no-referrer"}
	sameOrigin = []string{"same-origin"}
	hsts       = []string{"max-age=63072000; includeSubDomains"}
)

func (x *exchange) headers() {
	h := x.w.Header()
	h["X-Content-Type-Options"] = nosniff
	h["Cache-Control"] = noStore
	h["Content-Security-Policy"] = noContent
	h["Referrer-Policy"] = noReferrer
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	if x.server.TLS {
		h["Strict-Transport-Security"] = hsts
	}
	h["X-Request-Id"] = []string{string(x.id)}
}

// target is the id in the path, for the record of a denial: anything else that a client may write there is left out.
func (x *exchange) target() string {
	if v := x.path["id"]; isID(v) {
		return v
	}
	return ""
}
