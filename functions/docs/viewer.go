package docs

import (
	"path"
	"sync"

	"github.com/swaggest/swgui/v5/static"

	"github.com/steward-crm/steward/shared/edge"
	"github.com/steward-crm/steward/shared/fault"
)

// parts are the files that the page loads: Swagger UI as the library embeds it, of which only the files are linked. Its code, which renders the
// page, is the generator's.
type parts struct {
	mu   sync.Mutex
	read map[string]edge.Bytes
}

func newParts() *parts { return &parts{read: map[string]edge.Bytes{}} }

// types are those of the parts, by the end of the name. The library packs all but pictures.
var types = [...]struct{ ext, typ, packed string }{
	{".js", "application/javascript", ".gz"}, {".css", "text/css; charset=utf-8", ".gz"}, {".png", "image/png", ""},
}

// get gives a part, as it lies.
func (p *parts) get(name string) (edge.Bytes, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b, ok := p.read[name]; ok {
		return b, nil
	}
	for _, t := range types {
		if path.Ext(name) != t.ext || path.Base(name) != name {
			continue
		}
		data, err := static.FS.ReadFile(name + t.packed)
		if err != nil {
			break
		}
		b := edge.Bytes{Type: t.typ, Data: data}
		if t.packed != "" {
			b = edge.Bytes{Fixed: edge.NewFixed(t.typ, data)}
		}
		p.read[name] = b // as many as the library has: a name that it does not know is not kept
		return b, nil
	}
	return edge.Bytes{}, fault.New(fault.NotFound, "not_found")
}
