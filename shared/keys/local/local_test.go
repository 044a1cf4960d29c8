package local_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/steward-crm/steward/shared/fault"
	"github.com/steward-crm/steward/shared/keys"
	"github.com/steward-crm/steward/shared/keys/keystest"
	"github.com/steward-crm/steward/shared/keys/local"
)

var (
	ctx = context.Background()
	now = func() time.Time { return time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC) }
)

func open(t *testing.T, path string) *local.Keys {
	t.Helper()
	k, err := local.Open(path, now, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func path(t *testing.T) string { return filepath.Join(t.TempDir(), "keys.json") }

func TestContract(t *testing.T) {
	keystest.Run(t, func(t *testing.T) keystest.Subject {
		k := open(t, path(t))
		return keystest.Subject{Keys: k, SetState: k.SetState}
	})
}

// TestContractThroughTheFile: states that another process sets bite in this one.
func TestContractThroughTheFile(t *testing.T) {
	keystest.Run(t, func(t *testing.T) keystest.Subject {
		p := path(t)
		k := open(t, p)
		return keystest.Subject{Keys: k, SetState: open(t, p).SetState}
	})
}

func TestFileIsItsOwnersAlone(t *testing.T) {
	p := path(t)
	open(t, p)
	st, err := os.Stat(p)
	if err != nil || st.Mode() != 0o600 {
		t.Fatalf("made with mode %v, %v", st.Mode(), err)
	}
	if list, _ := os.ReadDir(filepath.Dir(p)); len(list) != 1 {
		t.Errorf("%d files are left in the folder, want the key file alone", len(list))
	}
	for _, mode := range []os.FileMode{0o640, 0o620, 0o604, 0o602, 0o644, 0o666, 0o777, 0o610} {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		_, err := local.Open(p, now, rand.Reader)
		oneLine(t, err, p, "chmod 600")
	}
	for _, mode := range []os.FileMode{0o600, 0o400} {
		if err := os.Chmod(p, mode); err != nil {
			t.Fatal(err)
		}
		open(t, p)
	}
}

func TestDamagedFileIsRefusedAndKept(t *testing.T) {
	p := path(t)
	open(t, p)
	good, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]string{
		"empty":           "",
		"cut off":         string(good[:len(good)/2]),
		"not JSON":        "keys",
		"null":            "null",
		"another format":  strings.Replace(string(good), `"format": 1`, `"format": 2`, 1),
		"unknown member":  strings.Replace(string(good), `"format": 1`, `"format": 1, "extra": 1`, 1),
		"unknown state":   strings.Replace(string(good), `"enabled"`, `"on"`, 1),
		"a short secret":  strings.Replace(string(good), `"secret": "`, `"secret": "AAAA", "x": "`, 1),
		"no local secret": strings.Replace(string(good), `"local"`, `"lokal"`, 1),
		"too large":       string(good) + strings.Repeat(" ", 1<<16),
	} {
		if err := os.WriteFile(p, []byte(b), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := local.Open(p, now, rand.Reader)
		if err == nil {
			t.Fatalf("%s: accepted", name)
		}
		oneLine(t, err, p, "key file")
		for _, secret := range secrets(good) {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows a secret", name)
			}
		}
		if after, _ := os.ReadFile(p); string(after) != b {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if err := os.WriteFile(p, good, 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, p)
}

func TestPathsThatCannotBe(t *testing.T) {
	dir := t.TempDir()
	_, err := local.Open(dir, now, rand.Reader)
	oneLine(t, err, dir, "not a regular file")
	missing := filepath.Join(dir, "nowhere", "keys.json")
	_, err = local.Open(missing, now, rand.Reader)
	oneLine(t, err, missing, "cannot be made")
}

func TestKeysLiveOn(t *testing.T) {
	p := path(t)
	k := open(t, p)
	plain, wrapped, err := k.GenerateDataKey(ctx, keys.Data, nil)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := os.ReadFile(p)
	k = open(t, p)
	if second, _ := os.ReadFile(p); !bytes.Equal(first, second) {
		t.Error("opening changed the file")
	}
	if got, err := k.Decrypt(ctx, keys.Data, wrapped, nil); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("a key from before does not open: %v", err)
	}
	if _, err := open(t, path(t)).Decrypt(ctx, keys.Data, wrapped, nil); !fault.Is(err, "key_mismatch") {
		t.Errorf("another installation opened it: %v", err)
	}
	if err := k.SetState(keys.Data, keys.Disabled); err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(p); st.Mode() != 0o600 {
		t.Errorf("mode %v after a change of state", st.Mode())
	}
	if _, err := open(t, p).Decrypt(ctx, keys.Data, wrapped, nil); !fault.IsKind(err, fault.Locked) {
		t.Errorf("the state was forgotten: %v", err)
	}
}

// TestRunningProcessFailsClosed: what would be refused at the start is refused later as well, and comes back.
func TestRunningProcessFailsClosed(t *testing.T) {
	p := path(t)
	k := open(t, p)
	_, wrapped, err := k.GenerateDataKey(ctx, keys.Data, nil)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string) {
		t.Helper()
		if _, err := k.Decrypt(ctx, keys.Data, wrapped, nil); !fault.IsKind(err, fault.Unavailable) || !fault.Is(err, "keys_unavailable") {
			t.Errorf("%s: %v, want Unavailable keys_unavailable", what, err)
		}
		if err := k.SetState(keys.Data, keys.Enabled); !fault.Is(err, "keys_unavailable") {
			t.Errorf("%s: SetState: %v", what, err)
		}
	}
	_ = os.Chmod(p, 0o644)
	refused("readable by all")
	_ = os.Chmod(p, 0o600)
	_ = os.Rename(p, p+".away")
	refused("gone")
	_ = os.Rename(p+".away", p)
	if _, err := k.Decrypt(ctx, keys.Data, wrapped, nil); err != nil {
		t.Errorf("back again: %v", err)
	}
}

func TestStatesThatAreNone(t *testing.T) {
	k := open(t, path(t))
	if err := k.SetState("unheard-of", keys.Disabled); !fault.Is(err, "key_unavailable") {
		t.Errorf("unknown key: %v", err)
	}
	if err := k.SetState(keys.Data, "off"); err == nil {
		t.Error("an unknown state was accepted")
	}
	if _, _, err := k.GenerateDataKey(ctx, keys.Data, nil); err != nil {
		t.Errorf("the file was spoilt: %v", err)
	}
}

func TestManyMakersOneFile(t *testing.T) {
	for range 20 {
		manyMakers(t, path(t))
	}
}

func manyMakers(t *testing.T, p string) {
	secrets := make([][32]byte, 8)
	var wg sync.WaitGroup
	for i := range secrets {
		wg.Go(func() {
			if k, err := local.Open(p, now, rand.Reader); err != nil {
				t.Error(err)
			} else {
				secrets[i] = k.Local("x")
			}
		})
	}
	wg.Wait()
	for _, s := range secrets {
		if s != secrets[0] {
			t.Fatal("two makers of the file hold different keys")
		}
	}
	if list, _ := os.ReadDir(filepath.Dir(p)); len(list) != 1 {
		t.Errorf("%d files are left in the folder", len(list))
	}
}

func TestLocalSecrets(t *testing.T) {
	p := path(t)
	k := open(t, p)
	a, b := k.Local("identity"), k.Local("webhook")
	if a == b || a == [32]byte{} {
		t.Error("two names share a secret, or there is none")
	}
	if open(t, p).Local("identity") != a {
		t.Error("the secret changed with a restart")
	}
	if open(t, path(t)).Local("identity") == a {
		t.Error("two installations share a secret")
	}
	file, _ := os.ReadFile(p)
	if bytes.Contains(file, a[:]) {
		t.Error("the secret stands in the file as it is")
	}
}

func TestNothingPrintsSecrets(t *testing.T) {
	p := path(t)
	k := open(t, p)
	file, _ := os.ReadFile(p)
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(form, k); s != "[redacted]" {
			t.Errorf("%s prints more than [redacted]", form)
		}
	}
	if len(secrets(file)) != 3 {
		t.Errorf("%d secrets in the file, want 3", len(secrets(file)))
	}
}

func TestNoRandomnessNoFile(t *testing.T) {
	p := path(t)
	if _, err := local.Open(p, now, strings.NewReader("short")); err == nil {
		t.Fatal("keys out of nothing")
	}
	if _, err := os.Stat(p); !os.IsNotExist(err) {
		t.Error("a file was left")
	}
}

// secrets gives the base64 strings of a key file.
func secrets(file []byte) []string {
	var out []string
	for part := range strings.SplitSeq(string(file), `"`) {
		if len(part) == 44 {
			out = append(out, part)
		}
	}
	return out
}

func oneLine(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("accepted")
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q does not say %q", err, p)
		}
	}
}

func BenchmarkDecrypt(b *testing.B) {
	k, err := local.Open(filepath.Join(b.TempDir(), "keys.json"), now, rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	_, wrapped, err := k.GenerateDataKey(ctx, keys.Data, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.Decrypt(ctx, keys.Data, wrapped, nil); err != nil {
			b.Fatal(err)
		}
	}
}
