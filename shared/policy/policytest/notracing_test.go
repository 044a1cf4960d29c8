//go:build !race

package policytest_test

const share = 1
