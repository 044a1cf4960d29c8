package main

import (
	"net"
	"net/http"
	"net/netip"

	"github.com/go-json-experiment/json"

	notifylocal "github.com/steward-crm/steward/shared/notify/local"
)

// outbox answers what would have been sent, newest first: GET /_local/outbox. It is no operation of the API: it exists in the local process
// only, and answers loopback only, whatever address the process serves on. A page of another site cannot read it either: the Host header
// must name a loopback address, and no CORS header is ever sent.
func outbox(o *notifylocal.Outbox) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		if err != nil || !peer.Addr().Unmap().IsLoopback() || !loopbackHost(r.Host) {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			http.Error(w, "only GET", http.StatusMethodNotAllowed)
			return
		}
		items := o.Items()
		if items == nil {
			items = []notifylocal.Item{}
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		body := struct {
			Items []notifylocal.Item `json:"items"`
		}{items}
		if err := json.MarshalWrite(w, body); err != nil {
			return // the client went away; there is nobody to tell
		}
	})
}

func loopbackHost(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = hostport
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
