//go:build !linux

package local_test

func fullDiskChild(string) error { return nil }
