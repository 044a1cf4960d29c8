package local_test

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/pquerna/otp/totp"

	"github.com/steward-crm/steward/shared/clocktest"
	"github.com/steward-crm/steward/shared/identity"
	"github.com/steward-crm/steward/shared/identity/local"
)

func codeOf(t testing.TB, secret string, c *clocktest.Clock) string {
	t.Helper()
	code, err := totp.GenerateCode(secret, c.Now())
	must(t, err)
	return code
}

// enrolled signs the user in and gives them a second factor.
func enrolled(t testing.TB, p *local.Provider, n identity.Name, c *clocktest.Clock) string {
	t.Helper()
	out, err := p.Authenticate(t.Context(), n, permanent)
	must(t, err)
	token := identity.AccessToken(out.Tokens.Access)
	secret, err := p.EnrolTOTP(t.Context(), n, token)
	must(t, err)
	must(t, p.ConfirmTOTP(t.Context(), n, token, codeOf(t, secret, c)))
	return secret
}

// TestNothingPersonalInTheFile looks for every value that was put in, in every form that it might lie there.
func TestNothingPersonalInTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	c := newClock()
	p := open(t, path, c)
	active(t, p, ann)
	must(t, p.SetAttributes(t.Context(), ann, "canary.second@example.com", mobile))
	secret := enrolled(t, p, ann, c)
	c.Add(time.Minute)
	out, err := p.Authenticate(t.Context(), ann, permanent)
	must(t, err)
	done, err := p.AnswerTOTP(t.Context(), ann, out.Session, codeOf(t, secret, c))
	must(t, err)
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secret)
	must(t, err)
	must(t, p.Close())
	file, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Contains(file, []byte(ann)) {
		t.Fatal("not even the user's name is there: this test looks at the wrong file")
	}
	for _, canary := range []string{
		mail, "canary.second@example.com", mobile, temporary, permanent, secret, string(raw), out.Session, done.Tokens.Refresh, done.Tokens.Access,
		"PRIVATE KEY", "\"email\"",
	} {
		for form, b := range forms(canary) {
			if bytes.Contains(file, b) {
				t.Errorf("the file holds %q as %s", canary[:min(len(canary), 12)], form)
			}
		}
	}
}

// forms are the ways in which a value might be written. Base64 is cut to what is the same whatever stands before and after.
func forms(s string) map[string][]byte {
	var wide []byte
	for _, u := range utf16.Encode([]rune(s)) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	all := map[string][]byte{
		"raw": []byte(s), "hex": []byte(hex.EncodeToString([]byte(s))), "HEX": []byte(strings.ToUpper(hex.EncodeToString([]byte(s)))), "UTF-16": wide,
	}
	for shift := range 3 {
		b := base64.StdEncoding.EncodeToString(append(make([]byte, shift), s...))
		all["base64+"+string(rune('0'+shift))] = []byte(b[4*min(shift, 1) : len(b)-4])
	}
	return all
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "identity")
	c := newClock()
	p := open(t, path, c)
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	refuse := func(what, word string, o local.Options) {
		t.Helper()
		q, err := local.Open(path, o)
		if err == nil {
			_ = q.Close()
			t.Fatalf("%s: opened", what)
		}
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", what, err)
		}
	}
	good := local.Options{Now: c.Now, Key: key, Cost: local.Cheap}
	refuse("a file that is open", "another process", good)
	must(t, p.Close())
	other := good
	other.Key[0]++
	refuse("another key", "key does not open", other)
	refuse("no key", "Key is missing", local.Options{Now: c.Now})
	refuse("no clock", "Now is missing", local.Options{Key: key})
	must(t, os.Chmod(path, 0o644))
	refuse("a file that others may read", "chmod 600", good)
	must(t, os.Chmod(path, 0o600))
	must(t, os.WriteFile(path, []byte("not a database, though long enough to be looked at"), 0o600))
	refuse("another kind of file", "identity", good)
}

// TestTheKeyStays: tokens that were signed before a restart verify after it, and no second key is made.
func TestTheKeyStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	c := newClock()
	p := open(t, path, c)
	before, err := p.JWKS(t.Context())
	must(t, err)
	must(t, p.Close())
	p = open(t, path, c)
	after, err := p.JWKS(t.Context())
	must(t, err)
	if before[0] != after[0] {
		t.Error("the key changed")
	}
}
