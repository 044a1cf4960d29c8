package main

import (
	"crypto/sha256"
	"net/http"

	"github.com/go-json-experiment/json"
)

// tokens are those of the transactions that were done, with what was asked under each: DynamoDB does a transaction once under its token and
// refuses another under it, moto does each one that comes.
type tokens map[string][sha256.Size]byte

// transact does a transaction once. The lock is held.
func (f *front) transact(w http.ResponseWriter, r *http.Request, body []byte) {
	var in struct{ ClientRequestToken string }
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	asked := sha256.Sum256(body)
	switch done, ok := f.tokens[in.ClientRequestToken]; {
	case ok && done == asked:
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = w.Write([]byte("{}")) // the function went away
	case ok:
		refuse(w, "IdempotentParameterMismatchException", "the token was used for another transaction")
	default:
		if a := f.pass(w, r, body); a != nil && a.status == http.StatusOK && in.ClientRequestToken != "" {
			f.tokens[in.ClientRequestToken] = asked
		}
	}
}
