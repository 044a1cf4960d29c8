package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/steward-crm/steward/shared/webhook"
)

// A secret file holds one or more whsec_ secrets, one a line, newest first: during a rotation both are accepted, and taking the old line
// out ends it. The file is read anew at each webhook, so a rotation needs no restart.

// ensureSecret makes the file with one fresh secret when it is missing, and judges it when it is there.
func ensureSecret(path string, random io.Reader) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		raw := make([]byte, 32)
		if _, err := io.ReadFull(random, raw); err != nil {
			return err
		}
		return writeAtomic(path, []byte(webhook.FormatSecret(raw)+"\n"))
	}
	if err == nil {
		_, err = readSecrets(path)
	}
	return err
}

func readSecrets(path string) ([][]byte, error) {
	fi, err := os.Stat(path)
	if err != nil {
		return nil, wrongf("webhook secret %s: %v", path, err)
	}
	if fi.Mode().Perm()&0o077 != 0 {
		return nil, wrongf("webhook secret %s can be read by others (mode %04o); run: chmod 600 %s", path, fi.Mode().Perm(), path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, wrongf("webhook secret %s: %v", path, err)
	}
	var secrets [][]byte
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		raw, err := webhook.ParseSecret(line)
		if err != nil {
			return nil, wrongf("webhook secret %s: each line must be whsec_ and the base64 of 24 to 64 bytes; remove the file to have a fresh one made", path)
		}
		secrets = append(secrets, raw)
	}
	if len(secrets) == 0 {
		return nil, wrongf("webhook secret %s is empty; remove the file to have a fresh one made", path)
	}
	return secrets, nil
}

// writeAtomic leaves either the whole file with mode 0600 or none.
func writeAtomic(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
