package deflate_test

import (
	"bytes"
	"compress/flate"
	"io"
	"math/rand/v2"
	"os"
	"testing"

	"pgregory.net/rapid"

	"github.com/steward-crm/steward/infra/lambda/build/deflate"
)

func unpack(t interface{ Fatal(...any) }, b []byte) []byte {
	out, err := io.ReadAll(flate.NewReader(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPack: whatever is packed, compress/flate unpacks to the same.
func TestPack(t *testing.T) {
	noise := make([]byte, 100_000)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	fibonacci := []byte{} // frequencies that ask for codes that are too long
	for a, b, s := 1, 1, byte(0); a < 200_000; a, b, s = b, a+b, s+1 {
		fibonacci = append(fibonacci, bytes.Repeat([]byte{s}, a)...)
	}
	r.Shuffle(len(fibonacci), func(i, j int) { fibonacci[i], fibonacci[j] = fibonacci[j], fibonacci[i] })
	for name, in := range map[string][]byte{
		"nothing": {}, "a byte": {7}, "two": {7, 7}, "a run": bytes.Repeat([]byte{0}, 300_000), "noise": noise,
		"the longest distance": append(append([]byte("the same text"), noise[:32<<10-13]...), "the same text"...),
		"one byte too far":     append(append([]byte("the same text"), noise[:32<<10-12]...), "the same text"...),
		"a period":             bytes.Repeat(noise[:777], 400), "long codes": fibonacci,
	} {
		if got := unpack(t, deflate.Pack(in)); !bytes.Equal(got, in) {
			t.Errorf("%s: %d bytes came back as %d", name, len(in), len(got))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 1, 300), 1, 8).Draw(t, "parts")
		var in []byte
		for range rapid.IntRange(0, 300).Draw(t, "times") {
			in = append(in, rapid.SampledFrom(parts).Draw(t, "part")...)
		}
		if got := unpack(t, deflate.Pack(in)); !bytes.Equal(got, in) {
			t.Fatalf("%d bytes came back as %d", len(in), len(got))
		}
	})
}

// TestSmaller: a program is smaller than compress/flate makes it, by what is reason enough for a package, and the same each time.
func TestSmaller(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	in = in[:min(len(in), 2<<20)]
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(in); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := deflate.Pack(in)
	if len(got) > b.Len()*96/100 {
		t.Errorf("%d bytes; compress/flate has %d", len(got), b.Len())
	}
	if !bytes.Equal(got, deflate.Pack(in)) || !bytes.Equal(unpack(t, got), in) {
		t.Error("it is not the same again")
	}
}
