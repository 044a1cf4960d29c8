// Command build makes what is deployed: for each functions/<resource>/lambda a dist/<resource>/bootstrap and a dist/<resource>.zip, and prints
// their sizes. The same source gives the same bytes: paths are trimmed, no version control is stamped, and the archives hold one time.
//
//	go run ./infra/lambda/build [--out dist] [--arch arm64] [--no-zip]
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/steward-crm/steward/infra/lambda/build/deflate"
	"github.com/steward-crm/steward/infra/lambda/build/prune"
)

// Tags are those of every binary.
const Tags = "lambda.norpc,nethttpomithttp2"

// Flags are those that every binary is built with. HTTP/2 is left out: a function makes few requests at a time, to services that all take HTTP/1.1.
// What is not Steward's and waits for a network, or runs once, is not inlined, which makes a binary a twentieth smaller.
var Flags = []string{
	"-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-tags", Tags,
	"-gcflags=github.com/aws/...=-l", "-gcflags=net/...=-l", "-gcflags=crypto/tls=-l", "-gcflags=crypto/x509/...=-l", "-gcflags=encoding/...=-l",
	"-gcflags=log/...=-l", "-gcflags=regexp/...=-l", "-gcflags=vendor/...=-l", "-gcflags=mime/...=-l", "-gcflags=os=-l",
}

func main() {
	out := flag.String("out", "dist", "folder to build into")
	arch := flag.String("arch", "arm64", "architecture: arm64 or amd64, or host")
	bare := flag.Bool("no-zip", false, "build no archives")
	flag.Parse()
	if err := run(*out, *arch, !*bare, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "build: "+err.Error())
		os.Exit(1)
	}
}

func run(out, arch string, zips bool, w io.Writer) error {
	if arch == "host" {
		arch = runtime.GOARCH
	}
	mains, err := filepath.Glob("functions/*/lambda/main.go")
	if err != nil || len(mains) == 0 {
		return errors.Join(err, errors.New("no functions/*/lambda: run it at the root of the repository"))
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	staged, err := os.MkdirTemp(out, ".staged-") // beside what it becomes, for a file to be moved there
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(staged) }()
	var names, packages []string
	for _, m := range mains {
		packages = append(packages, "./"+filepath.ToSlash(filepath.Dir(m)))
		names = append(names, filepath.Base(filepath.Dir(filepath.Dir(m))))
	}
	slices.Sort(names)
	cut, err := prune.Clients(filepath.Join(".tools", "clients"), Tags, packages...)
	if err != nil {
		return err
	}
	// One go build for all would name every binary after its folder, which is "lambda" each time. The build cache compiles what they share once.
	for _, name := range names {
		if err := build(cut, name, arch, filepath.Join(staged, name)); err != nil {
			return err
		}
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "resource\tbinary MB\tzip MB\t")
	lines := make([]string, len(names))
	var g errgroup.Group
	g.SetLimit(runtime.NumCPU()) // archives take seconds each
	for i, name := range names {
		g.Go(func() error {
			binary, archive, err := place(staged, out, name, zips)
			lines[i] = fmt.Sprintf("%s\t%.2f\t%.2f\t\n", name, float64(binary)/1e6, float64(archive)/1e6)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, line := range lines {
		fmt.Fprint(t, line)
	}
	return t.Flush()
}

func build(cut *prune.Cut, name, arch, to string) error {
	c := exec.Command("go", slices.Concat([]string{"build", "-modfile", cut.ModFile, "-o", to}, Flags, []string{"./functions/" + name + "/lambda"})...)
	c.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0")
	c.Stderr = os.Stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	missing, err := cut.Missing(to)
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("it calls what was cut off: %s", strings.Join(missing, "; "))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// place puts the binary, and its archive, where SAM looks for them. The binary is moved, not written anew: how a file was written decides how
// much of it the kernel maps at a touch, and bench-lambda compares it with one that the linker wrote.
func place(staged, out, name string, zips bool) (binary, archive int, err error) {
	from, dir := filepath.Join(staged, name), filepath.Join(out, name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, 0, err
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return 0, 0, err
	}
	if err := os.Rename(from, filepath.Join(dir, "bootstrap")); err != nil || !zips {
		return len(b), 0, err
	}
	z, err := pack(b)
	if err != nil {
		return 0, 0, err
	}
	return len(b), len(z), os.WriteFile(dir+".zip", z, 0o644)
}

// pack makes an archive that depends on the binary's bytes only.
func pack(bootstrap []byte) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return &packing{to: w}, nil })
	h := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate, Modified: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
	h.SetMode(0o755)
	f, err := z.CreateHeader(h)
	if err == nil {
		_, err = f.Write(bootstrap)
	}
	err = errors.Join(err, z.Close())
	return out.Bytes(), err
}

// packing packs, when it is closed, what was written to it.
type packing struct {
	bytes.Buffer
	to io.Writer
}

func (p *packing) Close() error {
	_, err := p.to.Write(deflate.Pack(p.Bytes()))
	return err
}
