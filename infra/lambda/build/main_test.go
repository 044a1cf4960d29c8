package main

import (
	"archive/zip"
	"bytes"
	"io"
	"testing"
)

// TestPack: the same binary gives the same archive, which holds one file that can be run.
func TestPack(t *testing.T) {
	binary := bytes.Repeat([]byte("binary"), 10_000)
	a, err := pack(binary)
	if err != nil {
		t.Fatal(err)
	}
	b, err := pack(binary)
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two archives differ: %v", err)
	}
	z, err := zip.NewReader(bytes.NewReader(a), int64(len(a)))
	if err != nil || len(z.File) != 1 {
		t.Fatalf("%v", err)
	}
	f, err := z.File[0].Open()
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, binary) || z.File[0].Name != "bootstrap" || z.File[0].Mode().Perm() != 0o755 {
		t.Errorf("%s %v: %d bytes, %v", z.File[0].Name, z.File[0].Mode(), len(got), err)
	}
}
